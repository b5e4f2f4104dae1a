import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { Servers } from '../support/trial/servers.ts';

const servers = await Servers.start();
after(() => servers[Symbol.asyncDispose]());

const SETUP = `CREATE TABLE t (id integer PRIMARY KEY, v text); INSERT INTO t SELECT i, 'v' || i FROM generate_series(1, 100) i`;
const tables = { 'public.t': { columns: { id: 'keep', v: 'hash' } } } as const;

test('whoever holds a lock on the twin is named, and forgotten when it is let go of', async () => {
  await using trial = await servers.trial(SETUP, tables);
  const pgveil = await trial.stream();
  await using locker = await servers.twin.connect(trial.name);
  const { rows } = await locker.query('SELECT pg_backend_pid() AS pid, current_user AS user');
  await locker.query(`SET application_name = 'the report'; BEGIN; LOCK TABLE t /* of a secret */`);
  await trial.source.query(`UPDATE t SET v = 'another'`);
  const blocked = await pgveil.reaches('an alarm', ({ sinks }) => sinks.twin!.alarms !== undefined);
  const { pid, user } = rows[0];
  assert.deepEqual(blocked.sinks.twin!.alarms, [
    {
      code: 'twin_blocked',
      message: `sink twin waits for a lock of pid ${pid} (the report, ${user})`,
      fix: `Wait for them to end, or end them: SELECT pg_terminate_backend(${pid});`,
    },
  ]);
  assert.equal(blocked.sinks.twin!.state, 'live');
  await locker.query('COMMIT');
  await pgveil.reaches('no alarm', ({ sinks }) => sinks.twin!.alarms === undefined);
  await trial.holdsAll(pgveil);
  await trial.assertEqual();
  assert.equal(pgveil.process.output.match(/"sink twin waits for a lock/g)?.length, 1);
  assert.equal(pgveil.process.output.match(/over: sink twin waits for a lock/g)?.length, 1);
  assert.doesNotMatch(pgveil.process.output, /secret/);
});
