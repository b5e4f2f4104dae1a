import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { checkSource } from '../../../../connectors/postgres/check/check.ts';
import type { Footing } from '../../../../connectors/postgres/check/footing.ts';
import { Watch } from '../../../../connectors/postgres/slot/watch.ts';
import type { History, Position } from '../../../../src/core/checkpoint.ts';
import { parseLsn } from '../../../../src/core/lsn.ts';
import { forMajors } from '../../../support/postgres/majors.ts';
import { type PostgresServer, startPostgres } from '../../../support/postgres/postgres.ts';
import { ask, Database, never } from '../parts.ts';

forMajors('what a start would go on from', {}, (major) => {
  let server: PostgresServer;
  before(async () => {
    server = await startPostgres({ major, settings: { wal_level: 'logical', max_slot_wal_keep_size: '1MB' } });
  });
  after(() => server[Symbol.asyncDispose]());

  /** A database with a table, a publication and a slot, and what a sink holds of it that caught up a moment ago. */
  async function begun(): Promise<{ database: Database; slot: string; position: Position }> {
    const database = await Database.create(
      server,
      'CREATE TABLE t (id int PRIMARY KEY); CREATE PUBLICATION pub FOR TABLE t',
    );
    const slot = `of_${database.name}`;
    await database.query(`SELECT pg_create_logical_replication_slot('${slot}', 'pgoutput')`);
    const [row] = await database.query(`SELECT system_identifier::text AS "systemIdentifier", timeline_id AS timeline,
      (SELECT oid FROM pg_database WHERE datname = current_database())::int AS "databaseOid", pg_current_wal_flush_lsn() AS pos
      FROM pg_control_system(), pg_control_checkpoint()`);
    const { pos, ...history } = row;
    return { database, slot, position: { pos: parseLsn(pos), witness: null, history: { ...history, slot } } };
  }

  /** `code object` of each, and that nothing was moved by it. */
  async function found(
    database: Database,
    slot: string,
    positions: readonly Position[],
    onGap: Footing['onGap'] = 'recopy',
  ) {
    const slots = () => database.query('SELECT slot_name, confirmed_flush_lsn, restart_lsn FROM pg_replication_slots');
    const before = await slots();
    const findings = await checkSource({
      ...{ url: database.url, tables: ask('public.t'), publication: 'pub', slot, failover: null },
      footing: { pipeline: 'shop', onGap, positions: async () => positions },
    });
    assert.deepEqual(await slots(), before);
    assert.ok(findings.every(({ message, fix }) => message && fix));
    return findings.map(({ code, object }) => `${code} ${object}`);
  }

  test('what an instance that is ending makes durable between two questions is no gap', async () => {
    const { database, slot, position } = await begun();
    const positions = async () => {
      await database.query(`SELECT pg_logical_emit_message(true, 'test', 'more')`);
      await database.query(`SELECT pg_replication_slot_advance('${slot}', pg_current_wal_flush_lsn())`);
      return [position];
    };
    const findings = await checkSource({
      ...{ url: database.url, tables: ask('public.t'), publication: 'pub', slot, failover: null },
      footing: { pipeline: 'shop', onGap: 'halt', positions },
    });
    assert.deepEqual(findings, []);
    await drop(database, slot);
    await database[Symbol.asyncDispose]();
  });

  const drop = (database: Database, slot: string) => database.query(`SELECT pg_drop_replication_slot('${slot}')`);

  test('the slot that was left: nothing stands in the way, at the first start neither', async () => {
    const { database, slot, position } = await begun();
    assert.deepEqual(await found(database, slot, [position]), []);
    await drop(database, slot);
    assert.deepEqual(await found(database, slot, []), []);
    await database[Symbol.asyncDispose]();
  });

  test('a slot that is somebody else’s is unfit, before the first start, too', async () => {
    const { database, slot, position } = await begun();
    await using another = await Database.create(server);
    await drop(database, slot);
    for (const make of [
      () => database.query(`SELECT pg_create_physical_replication_slot('${slot}')`),
      () => database.query(`SELECT pg_create_logical_replication_slot('${slot}', 'test_decoding')`),
      () => another.query(`SELECT pg_create_logical_replication_slot('${slot}', 'pgoutput')`),
    ]) {
      await make();
      for (const positions of [[], [position]]) {
        assert.deepEqual(await found(database, slot, positions), ['slot_unfit source.slot']);
      }
      await drop(database, slot).catch(() => drop(another, slot));
    }
    await database[Symbol.asyncDispose]();
  });

  test('a slot that is gone, was given up or stands further on, and a publication that is gone: lost, or held', async () => {
    for (const lose of [
      async ({ database, slot }: Awaited<ReturnType<typeof begun>>) => await drop(database, slot),
      async ({ database }: Awaited<ReturnType<typeof begun>>) => {
        for (let segment = 0; segment < 3; segment++) {
          await database.query(`SELECT pg_logical_emit_message(false, 'test', 'fills a segment')`);
          await database.query('SELECT pg_switch_wal()');
        }
        await database.query('CHECKPOINT');
      },
      async ({ database, slot }: Awaited<ReturnType<typeof begun>>) => {
        await drop(database, slot);
        await database.query('INSERT INTO t VALUES (1)');
        await database.query(`SELECT pg_create_logical_replication_slot('${slot}', 'pgoutput')`);
      },
      async ({ database }: Awaited<ReturnType<typeof begun>>) => await database.query('DROP PUBLICATION pub'),
    ]) {
      const one = await begun();
      await lose(one);
      const { database, slot, position } = one;
      assert.deepEqual(await found(database, slot, [position]), ['slot_lost source.slot']);
      assert.deepEqual(await found(database, slot, [position], 'halt'), ['gap_held source.slot']);
      const unused = { drop: async () => {} };
      const watch = await Watch.open({ url: database.url, pipeline: 'shop', slot, unused, observe: () => {} }, never);
      assert.deepEqual(await found(database, slot, [position], 'halt'), [], 'whoever runs sees to it');
      await watch.close();
      await database.query(`SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots`);
      await database[Symbol.asyncDispose]();
    }
  });

  test('another server, database or timeline, and one that lacks what a sink holds, is another history', async () => {
    const { database, slot, position } = await begun();
    const other = (history: Partial<History>) => ({ ...position, history: { ...position.history, ...history } });
    for (const strange of [
      other({ systemIdentifier: '1' }),
      other({ databaseOid: 1 }),
      other({ timeline: 2 }),
      { ...position, pos: position.pos + 2n ** 32n },
    ]) {
      assert.deepEqual(await found(database, slot, [strange], 'halt'), ['history_changed source']);
      assert.deepEqual(await found(database, slot, [position, strange]), ['history_changed source']);
    }
    await drop(database, slot);
    assert.deepEqual(await found(database, slot, [other({ systemIdentifier: '1' })], 'halt'), [
      'history_changed source',
    ]);
    await database[Symbol.asyncDispose]();
  });
});
