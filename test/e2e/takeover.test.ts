import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import type { Fault } from '../../src/core/fault.ts';
import { startOwnKafka } from '../support/kafka/kafka.ts';
import { changesOf } from '../support/lake/shop.ts';
import { freePort } from '../support/postgres/ready.ts';
import { Servers } from '../support/trial/servers.ts';
import type { Service } from '../support/trial/service.ts';
import { assertThreeEqual, stateOf, streamThree, threeSinks } from '../support/trial/three-sinks.ts';
import type { Trial } from '../support/trial/trial.ts';
import { until } from '../support/wait.ts';

// Two instances of a pipeline with three sinks: a twin, a lake, topics. See second-instance.test.ts for a twin alone.

const servers = await Servers.start();
const kafka = await startOwnKafka();
after(() => Promise.all([servers, kafka].map((one) => one[Symbol.asyncDispose]())));

/** As TCP keepalive makes the source do when a host is gone: of a process that is only held, the kernel still answers. */
async function loseSource({ source }: Trial): Promise<void> {
  await source.query(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE datname = current_database() AND application_name LIKE 'pgveil%'`);
}

async function waits(service: Service): Promise<void> {
  const isWaiting = async () => (await service.page('/ready'))?.text.includes('waiting');
  await until(isWaiting, { what: () => `an instance to wait; ${service.lastWords()}` });
}

test('a second instance waits, takes over all three sinks when the first is killed, and a third when that one is asked to stop', async () => {
  await using trial = await threeSinks(servers, kafka);
  const changes = await changesOf(trial, 1);
  let running = await streamThree(trial);
  for (const end of ['kill', 'stop'] as const) {
    const next = await trial.run({ port: await freePort() });
    await waits(next);
    await changes.transactions(50);
    await running[end]();
    await changes.transactions(50);
    await next.isReady();
    running = next;
  }
  await trial.holdsAll(running);
  await running.stop();
  await assertThreeEqual(trial, kafka);
});

describe('an instance that is held while another one takes over writes nothing into any of three sinks when it goes on', () => {
  const faults: readonly Fault[] = ['before the commit', 'file stored', 'before the log', 'before the end of topics'];
  for (const fault of faults) {
    test(`held at "${fault}"`, async () => {
      await using trial = await threeSinks(servers, kafka);
      const changes = await changesOf(trial, 2);
      await (await streamThree(trial)).stop();
      const zombie = await trial.run({ fault: `${fault}:2:SIGSTOP` });
      while (!(await zombie.isHeld())) await changes.transactions(5);

      await loseSource(trial);
      const heir = await trial.run({ port: await freePort() });
      await heir.isReady();
      await changes.transactions(50);
      await trial.holdsAll(heir);
      const before = await stateOf(trial, kafka);

      zombie.process.kill('SIGCONT');
      await waits(zombie);
      assert.deepEqual(await stateOf(trial, kafka), before);
      await changes.transactions(50);
      await trial.holdsAll(heir);
      await zombie.stop();
      await heir.stop();
      await assertThreeEqual(trial, kafka);
    });
  }
});
