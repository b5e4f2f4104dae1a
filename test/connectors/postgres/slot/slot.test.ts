import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { isSettled, keepSnapshot, settle } from '../../../../connectors/postgres/copy/keeper.ts';
import { setFailover } from '../../../../connectors/postgres/slot/failover.ts';
import { dropSlot, inspectSlot, type MadeSlot, makeSlot } from '../../../../connectors/postgres/slot/slot.ts';
import { PgveilError } from '../../../../src/core/errors.ts';
import type { Observation } from '../../../../src/core/observer.ts';
import { forMajors } from '../../../support/postgres/majors.ts';
import { type PostgresServer, startPostgres } from '../../../support/postgres/postgres.ts';
import { until } from '../../../support/wait.ts';
import { Database, never } from '../parts.ts';

const settings = { wal_level: 'logical', max_prepared_transactions: '5', max_replication_slots: '4' };

function make(
  database: Database,
  patience = 20_000,
  observe: (observation: Observation) => void = () => {},
): Promise<MadeSlot> {
  const { url, observer, name } = database;
  return makeSlot({ url, name, temporary: false, failover: null, observer, observe, patience, signal: never });
}

const withCode =
  (code: string, words: RegExp, fix = /./) =>
  (error: unknown) => {
    assert.ok(error instanceof PgveilError);
    assert.equal(error.code, code);
    assert.match(error.message, words);
    assert.match(error.fix, fix);
    return true;
  };

forMajors('a slot', { core: true }, (major) => {
  let server: PostgresServer;
  before(async () => {
    server = await startPostgres({ major, settings });
  });
  after(() => server[Symbol.asyncDispose]());

  test('its snapshot holds what committed before the consistent point, and the keeper keeps it', async () => {
    await using database = await Database.create(server, 'CREATE TABLE t (a int); INSERT INTO t VALUES (1)');
    const slot = await make(database);
    await database.query('INSERT INTO t VALUES (2)');
    const keeper = await keepSnapshot(database.url, slot.snapshot, never);
    await slot.release();
    await database.query('INSERT INTO t VALUES (3)');
    assert.deepEqual((await keeper.client.query('SELECT a FROM public.t')).rows, [{ a: '1' }]);
    await using other = await server.connect(database.name);
    await other.query(`BEGIN ISOLATION LEVEL REPEATABLE READ; SET TRANSACTION SNAPSHOT '${keeper.snapshot}'`);
    assert.equal((await other.query('SELECT FROM t')).rowCount, 1, 'others import it');
    const [{ now }] = await database.query("SELECT extract(epoch FROM now() - '2000-01-01Z')::bigint AS now");
    assert.ok(Math.abs(Number(keeper.time / 1_000_000n) - Number(now)) < 60);
    const found = await inspectSlot(database.observer, database.name);
    assert.equal(found?.plugin, 'pgoutput');
    assert.equal(found.database, database.name);
    assert.equal(found.activePid, null);
    assert.equal(found.confirmedFlush, slot.consistentPoint);
    assert.equal(found.walStatus, 'reserved');
    assert.equal(found.failover, major >= 17 ? true : null);
    await keeper.close();
    await dropSlot(database.observer, database.name);
    await dropSlot(database.observer, database.name);
    assert.equal(await inspectSlot(database.observer, database.name), null);
  });

  test('an open transaction that wrote is named, nothing is left behind, and the next try succeeds', async () => {
    await using database = await Database.create(server, 'CREATE TABLE t (a int)');
    await using writer = await server.connect(database.name);
    await writer.query('BEGIN; INSERT INTO t VALUES (1)');
    const [{ pid }] = (await writer.query('SELECT pg_backend_pid() AS pid')).rows;
    const seen: Observation[] = [];
    const named = new RegExp(`pid ${pid}\\b`);
    const terminate = new RegExp(`pg_terminate_backend\\(${pid}\\)`);
    await assert.rejects(
      make(database, 1000, (observation) => seen.push(observation)),
      withCode('slot_blocked', named, terminate),
    );
    assert.equal(seen.length, 1, 'said once while it waited');
    assert.equal(await inspectSlot(database.observer, database.name), null);
    const [{ count }] = await database.query(
      "SELECT count(*)::int FROM pg_stat_activity WHERE application_name = 'pgveil slot'",
    );
    assert.equal(count, 0, 'no walsender waits on');
    const waiting = make(database, 20_000, () => void writer.query('ROLLBACK'));
    await (await waiting).release();
    await dropSlot(database.observer, database.name);
  });

  test('a prepared transaction is named by its identifier', async () => {
    await using database = await Database.create(server, 'CREATE TABLE t (a int)');
    await database.query("BEGIN; INSERT INTO t VALUES (1); PREPARE TRANSACTION 'it''s mine'");
    await assert.rejects(
      make(database, 1000),
      withCode('slot_blocked', /it''s mine/, /ROLLBACK PREPARED 'it''s mine'/),
    );
    await database.query("ROLLBACK PREPARED 'it''s mine'");
  });

  test('a slot of that name, a slot in use, and no free slot are told apart', async () => {
    await using database = await Database.create(server);
    const { observer, name, url } = database;
    const slot = await make(database);
    await assert.rejects(make(database), withCode('slot_in_use', /is there already/));
    await slot.release();
    await using walsender = await reads(database);
    const [{ active_pid: pid }] = await until(
      async () => {
        const rows = await database.query(
          `SELECT active_pid FROM pg_replication_slots WHERE slot_name = '${name}' AND active`,
        );
        return rows.length > 0 && rows;
      },
      { what: 'the slot to be in use' },
    );
    await assert.rejects(dropSlot(observer, name), withCode('slot_in_use', new RegExp(`pid ${pid}\\b`)));
    await walsender.end();
    await until(async () => (await inspectSlot(observer, name))?.activePid === null, { what: 'the slot to be free' });
    for (const n of [1, 2, 3]) await database.query(`SELECT pg_create_physical_replication_slot('physical${n}')`);
    const options = {
      url,
      name: 'one_more',
      temporary: false,
      failover: null,
      observer,
      observe: () => {},
      patience: 1000,
      signal: never,
    };
    await assert.rejects(makeSlot(options), withCode('no_free_slot', /no replication slot is free/));
    for (const n of [1, 2, 3]) await database.query(`SELECT pg_drop_replication_slot('physical${n}')`);
    await dropSlot(observer, name);
  });

  test('how much WAL it holds and may still hold is told, and that it is lost', async () => {
    await using database = await Database.create(server, 'CREATE TABLE t (a int)');
    const { observer, name } = database;
    await (await make(database)).release();
    await database.query("ALTER SYSTEM SET max_slot_wal_keep_size = '32MB'");
    await database.query('SELECT pg_reload_conf()');
    const look = async () => (await inspectSlot(observer, name))!;
    await until(async () => (await look()).safeBytes !== null, { what: 'the limit to be in force' });
    const before = await look();
    await database.query('INSERT INTO t SELECT generate_series(1, 1000)');
    const after = await look();
    assert.ok(after.retainedBytes > before.retainedBytes && after.safeBytes! < before.safeBytes!);
    for (let i = 0; i < 5; i++) await database.query('INSERT INTO t VALUES (1); SELECT pg_switch_wal()');
    await database.query('CHECKPOINT');
    assert.equal((await look()).walStatus, 'lost');
    await dropSlot(observer, name);
    await database.query('ALTER SYSTEM RESET max_slot_wal_keep_size');
    await database.query('SELECT pg_reload_conf()');
  });

  test('reading waits for a transaction that the snapshot counts as finished and that still runs', async () => {
    await using database = await Database.create(server, 'CREATE TABLE t (a int)');
    await using writer = await server.connect(database.name);
    await writer.query('BEGIN; INSERT INTO t VALUES (1)');
    const [{ xid }] = (await writer.query('SELECT pg_current_xact_id()::text AS xid')).rows;
    const snapshot = { xmin: BigInt(xid), xmax: BigInt(xid) + 1n, running: [] };
    let settled = false;
    const waiting = settle(database.url, snapshot, never).then(() => {
      settled = true;
    });
    const asking =
      "SELECT FROM pg_stat_activity WHERE application_name = 'pgveil keeper' AND query LIKE '%pg_current_snapshot%'";
    await until(async () => (await database.query(asking)).length > 0, { what: 'the first question' });
    assert.equal(settled, false);
    await writer.query('COMMIT');
    await waiting;
    assert.equal(settled, true);
  });
});

forMajors('a failover slot', { core: true, since: 17 }, (major) => {
  test('is made where it is wanted, and changed at a start where the configuration changed', async () => {
    await using server = await startPostgres({ major, settings });
    await using database = await Database.create(server);
    const { url, name, observer } = database;
    const made = await makeSlot({
      url,
      name,
      temporary: false,
      failover: false,
      observer,
      observe: () => {},
      patience: 20_000,
      signal: never,
    });
    await made.release();
    const isKept = async () => (await inspectSlot(observer, name))?.failover;
    assert.equal(await isKept(), false);
    await setFailover(url, name, true);
    assert.equal(await isKept(), true);
    await setFailover(url, name, false);
    assert.equal(await isKept(), false);
    await dropSlot(observer, name);
  });
});

test('a snapshot is settled when all that it sees as finished is finished', () => {
  const now = { xmin: 5n, xmax: 20n, running: [5n, 12n, 15n] };
  assert.equal(isSettled({ xmin: 5n, xmax: 13n, running: [] }, now), false, '5 and 12 still run');
  assert.equal(isSettled({ xmin: 5n, xmax: 13n, running: [5n] }, now), false, '12 still runs');
  assert.equal(isSettled({ xmin: 5n, xmax: 13n, running: [5n, 12n] }, now), true, '15 is none of its business');
  assert.equal(isSettled({ xmin: 5n, xmax: 22n, running: [5n, 12n, 15n, 20n] }, now), false, '21 may still run');
  assert.equal(isSettled({ xmin: 5n, xmax: 22n, running: [5n, 12n, 15n, 20n, 21n] }, now), true);
});

/** A walsender that streams from the database's slot until it is ended. */
async function reads({ url, name }: Database) {
  const { connect } = await import('../../../../src/postgres/connection.ts');
  const client = await connect({ url, side: 'source', purpose: 'replication', name: 'test' });
  client
    .query(`START_REPLICATION SLOT "${name}" LOGICAL 0/0 (proto_version '1', publication_names 'none')`)
    .catch(() => {});
  return { end: () => client.end(), [Symbol.asyncDispose]: () => client.end() };
}
