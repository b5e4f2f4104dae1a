import assert from 'node:assert/strict';
import { test } from 'node:test';
import { keepSnapshot } from '../../../../connectors/postgres/copy/keeper.ts';
import { dropSlot, makeSlot } from '../../../../connectors/postgres/slot/slot.ts';
import { startPostgres } from '../../../support/postgres/postgres.ts';
import { until } from '../../../support/wait.ts';
import { Database, never } from '../parts.ts';

/**
 * A commit that waits for a standby is in the WAL, and so in the slot's snapshot, while everybody else sees it running. The slot takes it in
 * when it begins between two of the slot's waits: hence two transactions that the slot waits for, one after the other.
 */
test('the keeper waits for a transaction that the slot saw commit and that still runs', async () => {
  await using server = await startPostgres({ settings: { wal_level: 'logical' }, own: true });
  await using database = await Database.create(server, 'CREATE TABLE t (a int)');
  const { url, observer, name } = database;
  await using first = await server.connect(database.name);
  await using second = await server.connect(database.name);
  await using third = await server.connect(database.name);
  const pidOf = async (client: typeof first) =>
    (await client.query('SELECT pg_backend_pid() AS pid')).rows[0].pid as number;
  const [firstPid, secondPid] = [await pidOf(first), await pidOf(second)];
  let told = '';
  const toldOf = (pid: number) =>
    until(() => told.includes(`pid ${pid} `), { what: `the slot to wait for pid ${pid}` });

  await first.query('BEGIN; INSERT INTO t VALUES (1)');
  const making = makeSlot({
    url,
    name,
    observer,
    observe: (observation) => {
      if (observation.type === 'waiting') told = `${observation.what} `;
    },
    temporary: false,
    failover: null,
    patience: 60_000,
    signal: never,
  });
  await toldOf(firstPid);
  await second.query('BEGIN; INSERT INTO t VALUES (2)');
  await first.query('ROLLBACK');
  await toldOf(secondPid);

  await database.query("ALTER SYSTEM SET synchronous_standby_names = 'nobody'");
  await database.query('SELECT pg_reload_conf()');
  await until(
    async () => (await database.query('SHOW synchronous_standby_names'))[0].synchronous_standby_names === 'nobody',
    {
      what: 'commits to need a standby',
    },
  );
  const committing = third.query('INSERT INTO t VALUES (3)');
  await until(
    async () => (await database.query("SELECT FROM pg_stat_activity WHERE wait_event = 'SyncRep'")).length === 1,
    {
      what: 'the commit to wait for the standby',
    },
  );
  await second.query('ROLLBACK');
  const slot = await making;

  let kept = false;
  const keeping = keepSnapshot(url, slot.snapshot, never).then((keeper) => {
    kept = true;
    return keeper;
  });
  const asked =
    "SELECT count(*)::int AS n FROM pg_stat_activity WHERE application_name = 'pgveil keeper' AND query LIKE '%pg_current_snapshot() AS now%'";
  await until(async () => (await database.query(asked))[0].n === 1 || kept, { what: 'the keeper to ask' });
  assert.equal((await database.query('SELECT FROM t')).length, 0, 'for everybody else it still runs');
  assert.equal(kept, false);

  await database.query('ALTER SYSTEM RESET synchronous_standby_names');
  await database.query('SELECT pg_reload_conf()');
  await committing;
  const keeper = await keeping;
  assert.deepEqual((await keeper.client.query('SELECT a FROM public.t')).rows, [{ a: '3' }]);
  await slot.release();
  await keeper.close();
  await dropSlot(observer, name);
});
