import assert from 'node:assert/strict';
import { test } from 'node:test';
import { forMajors } from '../../support/postgres/majors.ts';
import { type PostgresServer, startPostgres } from '../../support/postgres/postgres.ts';
import { until } from '../../support/wait.ts';
import { Consumer, checkpointAfter, checkpointAtNewSlot, sourceOf } from './following.ts';

forMajors('a source that goes away', {}, (major) => {
  // Without fsync: a slow disk is nothing that a source could hasten.
  const settings = { wal_level: 'logical', wal_writer_delay: '10ms', fsync: 'off' };
  const names = ['public.t'];

  async function serverWithTable(more: Record<string, string> = {}): Promise<PostgresServer> {
    const server = await startPostgres({ major, settings: { ...settings, ...more }, own: true });
    await server.query('CREATE TABLE t (id int PRIMARY KEY, note text); CREATE PUBLICATION veil FOR TABLE t');
    return server;
  }

  async function millisecondsOf(work: Promise<unknown>): Promise<number> {
    const started = performance.now();
    await work;
    return performance.now() - started;
  }

  const fill = (rows: number, from = 1) =>
    `INSERT INTO t SELECT i, repeat('x', 200) FROM generate_series(${from}, ${from + rows - 1}) i`;

  test('a fast stop of an idle server ends at once, and the stream with source_closing', async () => {
    await using server = await serverWithTable();
    await using consumer = new Consumer(sourceOf(server, names).source, await checkpointAtNewSlot(server, names));
    await server.query(fill(1));
    await consumer.caughtUp();
    const took = await millisecondsOf(server.stop('fast'));
    assert.ok(took < 5000, `${took} ms`);
    assert.equal((await consumer.failure()).code, 'source_closing');
    await consumer.stop();
  });

  test('a fast stop ends in time while a consumer that is stuck keeps the stream unread and nothing acknowledged', async () => {
    await using server = await serverWithTable();
    const from = await checkpointAtNewSlot(server, names);
    await using consumer = new Consumer(sourceOf(server, names, { memory: 16 * 1024 * 1024 }).source, from);
    consumer.pause = new Promise(() => {});
    await server.query(fill(100_000));
    await until(
      async () => {
        const [row] = await server.query('SELECT wait_event FROM pg_stat_activity WHERE backend_type = $$walsender$$');
        return row?.wait_event === 'WalSenderWriteData';
      },
      { what: 'the walsender to be stuck' },
    );
    const took = await millisecondsOf(server.stop('fast'));
    assert.ok(took < 5000, `${took} ms`);
    await consumer.stop();
  });

  test('a fast stop ends in time under load', async () => {
    await using server = await serverWithTable();
    const from = await checkpointAtNewSlot(server, names);
    await using consumer = new Consumer(sourceOf(server, names).source, from);
    await using session = await server.connect();
    const writing = (async () => {
      for (let id = 0; ; id += 1000) await session.query(fill(1000, id));
    })().catch(() => {});
    await until(() => consumer.changes.length > 10_000, { what: 'rows' });
    const took = await millisecondsOf(server.stop('fast'));
    await writing;
    assert.ok(took < 8000, `${took} ms`);
    assert.equal((await consumer.failure()).code, 'source_closing');
    await consumer.stop();
    await server.start();
    await using rest = new Consumer(sourceOf(server, names).source, checkpointAfter(from, consumer));
    await rest.caughtUp();
    await rest.stop();
    const [{ count }] = (await server.query('SELECT count(*) FROM t')) as [{ count: string }];
    const durable = consumer.batches.findLastIndex(({ position }) => position);
    const before = consumer.batches.slice(0, durable + 1).flatMap(({ changes }) => changes).length;
    assert.equal(before + rest.changes.length, Number(count));
  });

  test('an immediate stop loses nothing and doubles nothing, although the slot went back', async () => {
    await using server = await serverWithTable();
    const from = await checkpointAtNewSlot(server, names);
    await using consumer = new Consumer(sourceOf(server, names).source, from);
    for (let id = 1; id <= 5; id++) await server.query(fill(1, id));
    await consumer.caughtUp();
    consumer.source.ack(consumer.position!.pos);
    await server.query('SELECT pg_sleep(0.1)');
    await server.stop('immediate');
    await consumer.failure();
    await consumer.stop();
    await server.start();
    const [slot] = await server.query('SELECT confirmed_flush_lsn < $1::pg_lsn AS back FROM pg_replication_slots', {
      values: [`0/${consumer.position!.pos.toString(16)}`],
    });
    assert.equal(slot.back, true);
    await using after = new Consumer(sourceOf(server, names).source, checkpointAfter(from, consumer));
    await server.query(fill(1, 6));
    await after.caughtUp();
    await after.stop();
    assert.equal(consumer.changes.length, 5);
    assert.equal(after.changes.length, 1);
  });

  test('a walsender that is killed ends the stream, and what follows is complete', async () => {
    await using server = await serverWithTable();
    const from = await checkpointAtNewSlot(server, names);
    await using consumer = new Consumer(sourceOf(server, names).source, from);
    await server.query(fill(3));
    await consumer.caughtUp();
    await server.query('SELECT pg_terminate_backend(pid) FROM pg_stat_replication');
    const { code } = await consumer.failure();
    assert.ok(code === 'source_closing' || code === 'source_away', code);
    await consumer.stop();
    await using next = new Consumer(sourceOf(server, names).source, checkpointAfter(from, consumer));
    await server.query(fill(2, 4));
    await next.caughtUp();
    await next.stop();
    assert.equal(next.changes.length, 2);
  });

  test('a consumer that is stuck for longer than wal_sender_timeout keeps the connection', async () => {
    await using server = await serverWithTable({ wal_sender_timeout: '1500ms' });
    const from = await checkpointAtNewSlot(server, names);
    await using consumer = new Consumer(sourceOf(server, names, { memory: 16 * 1024 * 1024 }).source, from);
    const stuck = Promise.withResolvers<void>();
    consumer.pause = stuck.promise;
    await server.query(fill(100_000));
    const pid = async () => (await server.query('SELECT pid FROM pg_stat_replication'))[0]?.pid;
    const before = await until(pid, { what: 'the walsender' });
    await server.query('SELECT pg_sleep(6)');
    assert.equal(await pid(), before);
    stuck.resolve();
    await consumer.caughtUp();
    await consumer.stop();
    assert.equal(consumer.changes.length, 100_000);
  });

  test('an idle connection outlives wal_sender_timeout', async () => {
    await using server = await serverWithTable({ wal_sender_timeout: '1s' });
    await using consumer = new Consumer(sourceOf(server, names).source, await checkpointAtNewSlot(server, names));
    await consumer.caughtUp();
    await server.query('SELECT pg_sleep(4)');
    await server.query(fill(1));
    await consumer.caughtUp();
    await consumer.stop();
    assert.equal(consumer.changes.length, 1);
  });
});
