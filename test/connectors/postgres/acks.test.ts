import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import type { Checkpoint, Position } from '../../../src/core/checkpoint.ts';
import { type Lsn, parseLsn } from '../../../src/core/lsn.ts';
import { forMajors } from '../../support/postgres/majors.ts';
import { createDatabase, type PostgresServer, startPostgres } from '../../support/postgres/postgres.ts';
import { until } from '../../support/wait.ts';
import { Consumer, checkpointAfter, checkpointAtNewSlot, confirmedFlush, dropSlots, sourceOf } from './following.ts';

forMajors('acknowledgements', {}, (major) => {
  let server: PostgresServer;
  let from: Checkpoint & { readonly position: Position };
  before(async () => {
    server = await startPostgres({ major, settings: { wal_level: 'logical', wal_writer_delay: '10ms' } });
    await createDatabase(server, 'other');
  });
  after(async () => {
    await server[Symbol.asyncDispose]();
  });
  beforeEach(async () => {
    await dropSlots(server);
    await server.query('DROP PUBLICATION IF EXISTS veil; DROP TABLE IF EXISTS t');
    await server.query('CREATE TABLE t (id int PRIMARY KEY); CREATE PUBLICATION veil FOR TABLE t');
    from = await checkpointAtNewSlot(server, ['public.t']);
  });

  async function flushLsn(): Promise<Lsn> {
    const [row] = await server.query('SELECT pg_current_wal_flush_lsn() AS lsn');
    return parseLsn(row.lsn);
  }

  /** One that acknowledged a transaction and stopped at once. */
  async function readOnce(): Promise<Consumer> {
    await using consumer = new Consumer(sourceOf(server, ['public.t']).source, from);
    await server.query('INSERT INTO t VALUES (1)');
    await consumer.caughtUp();
    consumer.source.ack(consumer.position!.pos);
    await consumer.stop();
    return consumer;
  }

  /** WAL of a database whose changes never come in the stream. */
  const writeElsewhere = (rows: number) =>
    server.query(
      `DROP TABLE IF EXISTS w; CREATE TABLE w AS SELECT i, repeat('x', 500) FROM generate_series(1, ${rows}) i`,
      {
        database: 'other',
      },
    );

  test('the slot stays where it was acknowledged, whatever was received', async () => {
    await using consumer = new Consumer(sourceOf(server, ['public.t']).source, from);
    await server.query('INSERT INTO t VALUES (1)');
    await consumer.caughtUp();
    const first = consumer.position!.pos;
    consumer.source.ack(first);
    await until(async () => (await confirmedFlush(server)) === first, { what: 'the slot to move' });
    for (let id = 2; id <= 5; id++) await server.query(`INSERT INTO t VALUES (${id})`);
    await consumer.caughtUp();
    const [row] = await server.query('SELECT write_lsn, flush_lsn, replay_lsn FROM pg_stat_replication');
    assert.deepEqual(new Set(Object.values<string>(row).map(parseLsn)), new Set([first]));
    await consumer.stop();
    assert.equal(await confirmedFlush(server), first);
  });

  test('before anything is acknowledged the slot does not move, and what was not durable comes again', async () => {
    await using first = new Consumer(sourceOf(server, ['public.t']).source, from);
    await server.query('INSERT INTO t VALUES (1)');
    await first.caughtUp();
    await first.stop();
    assert.equal(await confirmedFlush(server), from.position.pos);
    await using again = new Consumer(sourceOf(server, ['public.t']).source, from);
    await again.caughtUp();
    await again.stop();
    assert.deepEqual(again.changes, first.changes);
    await using later = new Consumer(sourceOf(server, ['public.t']).source, checkpointAfter(from, first));
    await later.caughtUp();
    await later.stop();
    assert.deepEqual(later.changes, []);
  });

  test('an acknowledgement just before the end is not lost', async () => {
    const { pos } = (await readOnce()).position!;
    assert.equal(await confirmedFlush(server), pos);
    const isFree = 'SELECT FROM pg_replication_slots WHERE NOT active';
    await until(async () => (await server.query(isFree)).length === 1, { what: 'the slot to be free' });
  });

  test('what lies before the slot is never acknowledged: an older server would move it back', async () => {
    const first = await readOnce();
    const { pos } = first.position!;
    await using again = new Consumer(sourceOf(server, ['public.t']).source, checkpointAfter(from, first));
    again.source.ack(from.position.pos);
    await again.caughtUp();
    again.source.ack(from.position.pos);
    await server.query('INSERT INTO t VALUES (2)');
    await again.caughtUp();
    // Servers of a late minor version leave the slot where it is: what they were told counts.
    const [told] = await server.query('SELECT flush_lsn FROM pg_stat_replication');
    assert.equal(told.flush_lsn, null);
    await again.stop();
    assert.equal(await confirmedFlush(server), pos);
  });

  test('positions follow a server whose other databases write, and then come to rest', async () => {
    await using consumer = new Consumer(sourceOf(server, ['public.t']).source, from);
    await server.query('INSERT INTO t VALUES (1)');
    await consumer.caughtUp();
    await writeElsewhere(20_000);
    const written = await flushLsn();
    const near = written - 40_000n;
    await until(() => (consumer.position?.pos ?? 0n) >= near, { what: 'the position to follow' });
    consumer.source.ack(consumer.position!.pos);
    await until(async () => (await confirmedFlush(server)) >= near, { what: 'the slot to follow' });
    assert.equal(
      consumer.position!.witness!.xid,
      consumer.batches.flatMap(({ changes }) => changes)[0]!.transaction.xid,
    );
    const positions = consumer.batches.filter(({ position }) => position).length;
    assert.ok(positions <= 5, `${positions} positions`);
    await consumer.stop();
  });

  test('what an idle position says holds after a restart', async () => {
    await using first = new Consumer(sourceOf(server, ['public.t']).source, from);
    await server.query('INSERT INTO t VALUES (1)');
    await first.caughtUp();
    await writeElsewhere(1000);
    await first.caughtUp();
    const { position } = checkpointAfter(from, first);
    assert.ok(position.pos > position.witness!.clsn + 100_000n);
    await first.stop();
    await server.query('INSERT INTO t VALUES (2)');
    await using second = new Consumer(sourceOf(server, ['public.t']).source, checkpointAfter(from, first));
    await second.caughtUp();
    await second.stop();
    assert.deepEqual(second.changes, ['insert public.t 2']);
  });

  test('the end that is waited for is behind every commit before the question, asynchronous ones too', async () => {
    await using consumer = new Consumer(sourceOf(server, ['public.t']).source, from);
    await until(() => consumer.batches.length > 0, { what: 'the first batch' });
    for (let id = 1; id <= 20; id++) {
      await server.query(`SET synchronous_commit = off; INSERT INTO t VALUES (${id})`);
      await consumer.caughtUp();
      assert.equal(consumer.changes.length, id);
    }
    await consumer.stop();
  });
});
