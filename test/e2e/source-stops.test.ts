import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { Random } from '../support/prng.ts';
import { RandomChanges } from '../support/random-changes.ts';
import { Servers } from '../support/servers.ts';
import type { Trial } from '../support/trial.ts';
import { until } from '../support/wait.ts';

const LIMIT_MS = 10_000;

const servers = await Servers.start();
after(() => servers[Symbol.asyncDispose]());

const SETUP = `
  CREATE TABLE t (id integer PRIMARY KEY, v text, w text);
  INSERT INTO t SELECT i, md5(i::text), repeat('w', 200) FROM generate_series(1, 20000) i`;
const tables = { 'public.t': { columns: { id: 'keep', v: 'hash', w: 'keep' } } } as const;

/** `pg_ctl stop -m fast` and start again. Fails when the stop took ten seconds or more. */
async function stopAndStart(): Promise<void> {
  const before = performance.now();
  await servers.source.stop('fast');
  const took = performance.now() - before;
  await servers.source.start();
  assert.ok(took < LIMIT_MS, `the source took ${Math.round(took / 1000)} s to stop`);
}

/** The trial's own session ended with the server. */
async function changesOn(trial: Trial, random: Random): Promise<RandomChanges> {
  await trial.reconnect();
  return await RandomChanges.open(trial.source, trial.sourceUrl, random, Object.keys(tables));
}

describe('pg_ctl stop -m fast ends within ten seconds', () => {
  test('at eight random moments under load, and nothing is lost by it', async () => {
    const random = new Random(8);
    await using trial = await servers.trial(SETUP, tables);
    const service = await trial.stream();
    for (let stop = 0; stop < 8; stop++) {
      const changes = await changesOn(trial, random);
      await changes.transactions(random.int(1, 3_000));
      const writing = changes.transactions(100_000).catch(() => {}); // cut off by the stop
      await stopAndStart();
      await writing;
    }
    await trial.reconnect();
    await trial.holdsAll(service);
    await trial.assertEqual();
    await service.stop();
  });

  for (const fault of ['slot created', 'snapshot exported', 'copy started', 'chunk committed'] as const) {
    test(`in the first copy (${fault}), which then begins anew`, async () => {
      await using trial = await servers.trial(SETUP, tables);
      // Held there for the moment of asking: the stop finds it in the middle of its copy.
      const service = await trial.run({ fault: `${fault}:1:SIGSTOP` });
      await service.holds();
      const stopping = stopAndStart();
      service.process.kill('SIGCONT');
      await stopping;
      await trial.reconnect();
      await service.isReady();
      await trial.source.query(`UPDATE t SET v = 'x' WHERE id < 100`);
      await trial.holdsAll(service);
      await trial.assertEqual();
    });
  }

  test('at four moments while idle', async () => {
    await using trial = await servers.trial(SETUP, tables);
    const service = await trial.stream();
    for (let stop = 0; stop < 4; stop++) {
      await trial.holdsAll(service);
      await stopAndStart();
      await trial.reconnect();
    }
    await trial.source.query('DELETE FROM t WHERE id % 2 = 0');
    await trial.holdsAll(service);
    await trial.assertEqual();
  });

  test('at four moments while the twin is blocked and the queue is full', async () => {
    const random = new Random(44);
    await using trial = await servers.trial(SETUP, tables, { memory: '8MB' });
    const service = await trial.stream();
    for (let stop = 0; stop < 4; stop++) {
      const changes = await changesOn(trial, random);
      await trial.twin.query('BEGIN; LOCK TABLE t IN ACCESS EXCLUSIVE MODE');
      await changes.transactions(random.int(1, 2_000));
      await trial.source.query(`UPDATE t SET w = repeat('${stop}', 2000)`);
      await isBlocked(trial);
      await stopAndStart();
      await trial.twin.query('ROLLBACK');
      await trial.reconnect();
    }
    await trial.holdsAll(service);
    await trial.assertEqual();
  });
});

/** A statement of the service waits for our lock on the twin: from there on what is read can only pile up. */
async function isBlocked(trial: Trial): Promise<void> {
  const waits = 'SELECT FROM pg_locks WHERE NOT granted AND relation IS NOT NULL';
  await until(async () => (await trial.twin.query(waits)).rowCount !== 0, { what: 'the twin to be blocked' });
}
