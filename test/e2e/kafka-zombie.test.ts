import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { Admin } from '@platformatic/kafka';
import type { Tables } from '../support/judge/decisions.ts';
import { startOwnKafka } from '../support/kafka/kafka.ts';
import { prove } from '../support/kafka/proof.ts';
import { topicOf } from '../support/kafka/topics.ts';
import { hasPython } from '../support/lake/readers.ts';
import { freePort } from '../support/postgres/ready.ts';
import { Witness } from '../support/schema/witness.ts';
import { Servers } from '../support/trial/servers.ts';
import type { Trial } from '../support/trial/trial.ts';
import { until } from '../support/wait.ts';

const servers = await Servers.start();
const kafka = await startOwnKafka();
after(() => Promise.all([servers, kafka].map((one) => one[Symbol.asyncDispose]())));

const SETUP = `CREATE TABLE t (id integer PRIMARY KEY, v text, w text); INSERT INTO t SELECT i, 'v' || i, '' FROM generate_series(1, 600) i`;
const tables: Tables = { 'public.t': { columns: { id: 'keep', v: 'hash', w: 'keep' } } };
const PARTITIONS = 3;
const LATEST = -1n;

/** As TCP keepalive makes the source do when a host is gone: of a process that is only held, the kernel still answers. */
async function loseSource({ source }: Trial): Promise<void> {
  await source.query(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE datname = current_database() AND application_name LIKE 'pgveil%'`);
}

/** Where the topic ends, markers and what is not committed included. */
async function endsOf(trial: Trial): Promise<bigint[]> {
  const admin = new Admin({ clientId: 'test', bootstrapBrokers: [...kafka.brokers] });
  try {
    const partitions = Array.from({ length: PARTITIONS }, (_, at) => ({ partitionIndex: at, timestamp: LATEST }));
    const [topic] = await admin.listOffsets({ topics: [{ name: topicOf(trial.name, 'public.t'), partitions }] });
    return topic!.partitions.map(({ offset }) => offset);
  } finally {
    await admin.close();
  }
}

/** One transaction of several parts: each row of it is 3 kB. */
async function change({ source }: Trial): Promise<false> {
  await source.query(`UPDATE t SET w = repeat('x', 3000) || id`);
  return false;
}

describe('an instance that is held while another one takes over', () => {
  for (const fault of ['inside a topic chunk', 'inside a topic transaction', 'before the end of topics'] as const) {
    test(`at "${fault}" writes nothing into topics when it goes on`, async (context) => {
      if (!(await hasPython())) return context.skip('there is no Python to run confluent-kafka with');
      const topics = { brokers: kafka.brokers, format: 'flat', topics: { partitions: PARTITIONS }, split: '1MB' };
      await using trial = await servers.trial(SETUP, tables, { memory: '16MB', kafka: topics });
      await using witness = await Witness.open(trial.source, Object.keys(tables));
      const zombie = await trial.run({ fault: `${fault}:1:SIGSTOP` });
      // The stream needs changes, and a transaction of several parts; the copy has its own.
      const isHeld = async () => (await zombie.isHeld()) || (await change(trial));
      await until(isHeld, { what: fault, interval: 1_000 });

      await loseSource(trial);
      const heir = await trial.run({ port: await freePort() });
      await heir.isReady();
      await trial.source.query(`UPDATE t SET v = 'by the heir'`);
      await trial.source.query('DELETE FROM t WHERE id % 3 = 0');
      await trial.holdsAll(heir);
      const proof = await prove(kafka.brokers, trial, witness);
      const { missing, double, unknown, different } = proof;
      assert.deepEqual({ missing, double, unknown, different }, { missing: 0, double: 0, unknown: 0, different: [] });

      const ends = await endsOf(trial);
      zombie.process.kill('SIGCONT');
      const isWaiting = async () => (await zombie.page('/ready'))?.text.includes('waiting');
      await until(isWaiting, { what: () => `the first instance to wait; ${zombie.lastWords()}` });
      assert.deepEqual(await endsOf(trial), ends);
      assert.deepEqual(await prove(kafka.brokers, trial, witness), proof);
      assert.ok(heir.isRunning);
    });
  }
});
