import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { escapeIdentifier } from 'pg';
import { Receiver } from '../../../../connectors/postgres/stream/receiver.ts';
import type { Lsn } from '../../../../src/core/lsn.ts';
import { Secret } from '../../../../src/core/secret.ts';
import { forMajors } from '../../../support/postgres/majors.ts';
import { type PostgresServer, startPostgres } from '../../../support/postgres/postgres.ts';
import { until } from '../../../support/wait.ts';
import {
  Consumer,
  checkpointAfter,
  checkpointAtNewSlot,
  confirmedFlush,
  dropSlots,
  incompressible,
  sourceOf,
} from '../following.ts';

forMajors('the stream', { core: true }, (major) => {
  let server: PostgresServer;
  before(async () => {
    server = await startPostgres({ major, settings: { wal_level: 'logical', wal_writer_delay: '10ms' } });
  });
  after(async () => {
    await server[Symbol.asyncDispose]();
  });
  beforeEach(async () => {
    await dropSlots(server);
    await server.query('DROP PUBLICATION IF EXISTS veil; DROP SCHEMA public CASCADE; CREATE SCHEMA public');
  });

  test('every kind of message arrives as what it says', async () => {
    await server.query(`
    CREATE TABLE t (id int PRIMARY KEY, note text, big text);
    ALTER TABLE t ALTER big SET STORAGE EXTERNAL;
    CREATE TABLE f (id int PRIMARY KEY, note text);
    ALTER TABLE f REPLICA IDENTITY FULL;
    CREATE TABLE unlisted (id int PRIMARY KEY);
    CREATE TYPE mood AS ENUM ('ok');
    CREATE TABLE m (id int PRIMARY KEY, mood mood);
    CREATE PUBLICATION veil FOR ALL TABLES`);
    const names = ['public.t', 'public.f', 'public.m'];
    const from = await checkpointAtNewSlot(server, names);
    const statements = [
      `INSERT INTO t VALUES (1, 'a', '${incompressible(4000)}'), (2, NULL, '')`,
      `UPDATE t SET note = 'b' WHERE id = 1`,
      `UPDATE t SET id = 3 WHERE id = 2`,
      `DELETE FROM t WHERE id = 3`,
      `INSERT INTO unlisted VALUES (1)`,
      `INSERT INTO f VALUES (1, 'x'); UPDATE f SET note = 'y'; DELETE FROM f`,
      `INSERT INTO m VALUES (1, 'ok')`,
      `SELECT pg_logical_emit_message(true, 'p', 'secret'), pg_logical_emit_message(false, 'p', 'secret')`,
      `TRUNCATE t, unlisted, f`,
    ];
    for (const statement of statements) await server.query(statement);
    await using consumer = new Consumer(sourceOf(server, names).source, from);
    await consumer.caughtUp();
    await consumer.stop();
    assert.deepEqual(consumer.changes, [
      'insert public.t 1|a|4000 bytes',
      'insert public.t 2|-|',
      'update public.t 1|b|~',
      'update public.t key 2|-|- > 3|-|',
      'delete public.t key 3|-|-',
      'insert public.f 1|x',
      'update public.f row 1|x > 1|y',
      'delete public.f row 1|y',
      'insert public.m 1|ok',
      'truncate public.t',
      'truncate public.f',
    ]);
    const defined = consumer.batches[0]!.events.map((event) => event.type === 'defined' && event.table.name);
    assert.deepEqual(defined, names);
  });

  test('where it got to is told without a change of ours as well', async () => {
    await server.query(`
    CREATE TABLE t (id int PRIMARY KEY);
    CREATE TABLE unlisted (id int);
    CREATE PUBLICATION veil FOR TABLE t`);
    const from = await checkpointAtNewSlot(server, ['public.t']);
    const { source, told } = sourceOf(server, ['public.t']);
    await using consumer = new Consumer(source, from);
    await consumer.caughtUp();
    await server.query('INSERT INTO unlisted VALUES (1)');
    const end = await flushLsn();
    const isReached = () => told.some((seen) => seen.type === 'reached' && seen.pos >= end);
    await until(isReached, { what: 'the end to be told' });
    assert.ok(consumer.position!.pos < end, 'it is not worth a batch');
    await consumer.stop();
  });

  test('a partitioned table comes under its root, from leaves in any order of columns', async () => {
    await server.query(`
    CREATE TABLE p (id int, at int, note text, PRIMARY KEY (id, at)) PARTITION BY RANGE (at);
    CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (10);
    CREATE TABLE p2 (note text, at int NOT NULL, gone int, id int NOT NULL);
    ALTER TABLE p2 DROP COLUMN gone;
    ALTER TABLE p ATTACH PARTITION p2 FOR VALUES FROM (10) TO (20);
    CREATE PUBLICATION veil FOR TABLE p WITH (publish_via_partition_root = true)`);
    const from = await checkpointAtNewSlot(server, ['public.p']);
    await server.query(`INSERT INTO p VALUES (1, 1, 'a'), (2, 12, 'b')`);
    await server.query('UPDATE p SET at = 13 WHERE id = 1');
    await server.query('TRUNCATE p');
    await using consumer = new Consumer(sourceOf(server, ['public.p']).source, from);
    await consumer.caughtUp();
    await consumer.stop();
    assert.deepEqual(consumer.changes, [
      'insert public.p 1|1|a',
      'insert public.p 2|12|b',
      'delete public.p key 1|1|-',
      'insert public.p 1|13|a',
      'truncate public.p',
    ]);
  });

  test('changes count from 1 in their transaction, and those of tables that are not ours count too', async () => {
    await server.query(`
    CREATE TABLE t (id int PRIMARY KEY);
    CREATE TABLE unlisted (id int PRIMARY KEY);
    CREATE PUBLICATION veil FOR ALL TABLES`);
    const from = await checkpointAtNewSlot(server, ['public.t']);
    await server.query('INSERT INTO t VALUES (1); INSERT INTO unlisted VALUES (1), (2); INSERT INTO t VALUES (2)');
    await server.query('TRUNCATE unlisted, t; INSERT INTO t VALUES (3)');
    await using consumer = new Consumer(sourceOf(server, ['public.t']).source, from);
    await consumer.caughtUp();
    await consumer.stop();
    const changes = consumer.batches.flatMap((batch) => batch.changes);
    assert.deepEqual(
      changes.map(({ op, seq }) => `${op} ${seq}`),
      ['insert 1', 'insert 4', 'truncate 2', 'insert 3'],
    );
    assert.equal(new Set(changes.map(({ transaction }) => transaction)).size, 2);
  });

  test('of two adjacent transactions the second is neither lost nor the first one doubled, with the first acknowledged', async () => {
    await server.query('CREATE TABLE t (id int PRIMARY KEY); CREATE PUBLICATION veil FOR TABLE t');
    const from = await checkpointAtNewSlot(server, ['public.t']);
    await using one = await server.connect();
    await using two = await server.connect();
    let adjacent = false;
    let checkpoint: ReturnType<typeof checkpointAfter> = from;
    for (let id = 1; !adjacent && id < 20; id += 2) {
      for (const [session, row] of [
        [one, id],
        [two, id + 1],
      ] as const) {
        await session.query('BEGIN');
        await session.query(`INSERT INTO t VALUES (${row})`);
      }
      const { source } = sourceOf(server, ['public.t']);
      await using first = new Consumer(source, checkpoint);
      await one.query('COMMIT');
      await until(() => first.changes.includes(`insert public.t ${id}`), { what: 'the first transaction' });
      checkpoint = checkpointAfter(checkpoint, first);
      source.ack(checkpoint.position.pos);
      await first.stop();
      assert.equal(await confirmedFlush(server), checkpoint.position.pos);
      await two.query('COMMIT');
      await using second = new Consumer(sourceOf(server, ['public.t']).source, checkpoint);
      await second.caughtUp();
      await second.stop();
      assert.deepEqual(second.changes, [`insert public.t ${id + 1}`]);
      const [change] = second.batches.flatMap(({ changes }) => changes);
      adjacent = change!.transaction.clsn === checkpoint.position.pos;
      checkpoint = checkpointAfter(checkpoint, second);
    }
    assert.ok(adjacent, 'no two commits were adjacent in the WAL');
  });

  test('while the consumer is busy, whole transactions gather in one batch', async () => {
    await server.query('CREATE TABLE t (id int PRIMARY KEY); CREATE PUBLICATION veil FOR TABLE t');
    const from = await checkpointAtNewSlot(server, ['public.t']);
    await using consumer = new Consumer(sourceOf(server, ['public.t']).source, from);
    const busy = Promise.withResolvers<void>();
    consumer.pause = busy.promise;
    for (let id = 1; id <= 50; id++) await server.query(`INSERT INTO t VALUES (${id})`);
    const caughtUp = consumer.caughtUp();
    await until(async () => (await sentLsn()) >= (await flushLsn()), { what: 'everything to be sent' });
    busy.resolve();
    await caughtUp;
    await consumer.stop();
    assert.equal(consumer.changes.length, 50);
    const batches = consumer.batches.filter(({ changes }) => changes.length > 0);
    assert.ok(batches.length <= 3, `${batches.length} batches`);
  });

  test('a large transaction comes in parts under the limit, and only its end is a position', async () => {
    await server.query('CREATE TABLE t (id int PRIMARY KEY, note text); CREATE PUBLICATION veil FOR TABLE t');
    const from = await checkpointAtNewSlot(server, ['public.t']);
    await server.query(`INSERT INTO t SELECT i, repeat('x', 100) FROM generate_series(1, 20000) i`);
    const memory = 16 * 1024 * 1024;
    await using consumer = new Consumer(sourceOf(server, ['public.t'], { memory }).source, from);
    await consumer.caughtUp();
    await consumer.stop();
    const parts = consumer.batches.filter(({ changes }) => changes.length > 0);
    assert.equal(consumer.changes.length, 20_000);
    assert.ok(parts.length > 4, `${parts.length} parts`);
    for (const part of parts) assert.ok(part.bytes <= memory / 16 + 1000, `${part.bytes} bytes`);
    const inside = parts.slice(0, -1).filter(({ position }) => position !== null);
    assert.deepEqual(inside, []);
    assert.deepEqual(parts[1]!.progress, { clsn: parts[0]!.progress.clsn, seq: parts[1]!.changes.at(-1)!.seq });
  });

  test('any name of a publication works', async () => {
    await server.query('CREATE TABLE t (id int PRIMARY KEY)');
    const publication = `It's "1", \\'; -- \\\\ 🐘`;
    await server.query(`CREATE PUBLICATION ${escapeIdentifier(publication)} FOR TABLE t`);
    const from = await checkpointAtNewSlot(server, ['public.t'], { publication });
    await server.query('INSERT INTO t VALUES (1)');
    await using consumer = new Consumer(sourceOf(server, ['public.t'], { publication }).source, from);
    await consumer.caughtUp();
    assert.deepEqual(consumer.changes, ['insert public.t 1']);
    await consumer.stop();
    await server.query(`DROP PUBLICATION ${escapeIdentifier(publication)}`);
  });

  test('a publication that was dropped and made anew has lost what lies in between', async () => {
    await server.query('CREATE TABLE t (id int PRIMARY KEY); CREATE PUBLICATION veil FOR TABLE t');
    const from = await checkpointAtNewSlot(server, ['public.t']);
    await server.query('DROP PUBLICATION veil');
    await server.query('INSERT INTO t VALUES (1)');
    await server.query('CREATE PUBLICATION veil FOR TABLE t');
    await using consumer = new Consumer(sourceOf(server, ['public.t']).source, from);
    assert.equal((await consumer.failure()).code, 'slot_lost');
    assert.deepEqual(consumer.changes, []);
  });

  test('a slot that another process reads from is in use', async () => {
    await server.query('CREATE TABLE t (id int PRIMARY KEY); CREATE PUBLICATION veil FOR TABLE t');
    const from = await checkpointAtNewSlot(server, ['public.t']);
    await using first = new Consumer(sourceOf(server, ['public.t']).source, from);
    await first.caughtUp();
    const receiver = await Receiver.open(new Secret(server.url()), 'test');
    await assert.rejects(receiver.start('veil', 'veil'), { code: 'slot_in_use' });
    await receiver.close();
  });

  async function sentLsn(): Promise<Lsn> {
    return lsnOf(`SELECT coalesce(max(sent_lsn), '0/0') - '0/0' AS lsn FROM pg_stat_replication`);
  }

  async function flushLsn(): Promise<Lsn> {
    return lsnOf(`SELECT pg_current_wal_flush_lsn() - '0/0' AS lsn`);
  }

  async function lsnOf(sql: string): Promise<Lsn> {
    const [row] = await server.query(sql);
    return BigInt(row.lsn);
  }
});
