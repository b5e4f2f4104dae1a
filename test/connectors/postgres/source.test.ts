import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import type { RawBatch } from '../../../src/core/batch.ts';
import type { Checkpoint } from '../../../src/core/checkpoint.ts';
import { parseLsn } from '../../../src/core/lsn.ts';
import { forMajors } from '../../support/postgres/majors.ts';
import { type PostgresServer, startPostgres } from '../../support/postgres/postgres.ts';
import { until } from '../../support/wait.ts';
import { Consumer, cells, checkpointAtNewSlot, dropSlots, sourceOf } from './following.ts';

forMajors('the source', {}, (major) => {
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
    await server.query(
      'CREATE TABLE t (id int PRIMARY KEY, note text); CREATE TABLE u (id int PRIMARY KEY, note text)',
    );
  });

  const names = ['public.t', 'public.u'];
  const nothing: Checkpoint = { position: null, tables: new Map() };

  /** The table as a sink would have it: what was read and what happened since, by the first column. */
  function fold(consumer: Consumer, name: string): Map<string, string> {
    const rows = new Map<string, string>();
    for (const { op, table, before, after } of consumer.batches.flatMap(({ changes }) => changes)) {
      if (table.name !== name) continue;
      const old = before && cells(before).split('|')[0]!;
      if (old !== null) assert.ok(rows.delete(old), `${op} of a row that is not there`);
      if (!after) continue;
      const key = cells(after).split('|')[0]!;
      if (op === 'read' || op === 'insert') assert.ok(!rows.has(key), `${op} of a row that is there`);
      rows.set(key, cells(after));
    }
    return rows;
  }

  const eventsOf = (consumer: Consumer, name: string) =>
    consumer.batches.flatMap(({ events }) =>
      events.flatMap((event) => (('name' in event ? event.name : event.table.name) === name ? [event.type] : [])),
    );

  test('a first copy and what happens during and after it give the table, row by row, with the publication and the slot made', async () => {
    await server.query(`INSERT INTO t SELECT i, 'copied' FROM generate_series(1, 50000) i`);
    await using session = await server.connect();
    let writing = true;
    const written = (async () => {
      for (let id = 1; writing; id++) {
        await session.query(`UPDATE t SET note = 'changed ${id}' WHERE id = ${id * 7}`);
        await session.query(`DELETE FROM t WHERE id = ${id * 11}`);
        await session.query(`INSERT INTO t VALUES (${-id}, 'new')`);
        await session.query(`UPDATE t SET id = ${-100_000 - id} WHERE id = ${-id}`);
      }
    })();
    await using consumer = new Consumer(sourceOf(server, names).source, nothing);
    await consumer.copied();
    await server.query(`INSERT INTO u VALUES (1, 'streamed')`);
    writing = false;
    await written;
    await consumer.caughtUp();
    const expected = await server.query<{ id: string; note: string }>('SELECT id::text, note FROM t');
    assert.deepEqual(fold(consumer, 'public.t'), new Map(expected.map(({ id, note }) => [id, `${id}|${note}`])));
    assert.deepEqual([...fold(consumer, 'public.u').values()], ['1|streamed']);
    const whole = eventsOf(consumer, 'public.u');
    assert.deepEqual(whole, ['defined', 'copy started', 'copy read', 'copy finished']);
    const [{ position }] = consumer.batches as [RawBatch];
    const finished = consumer.batches.filter(({ events }) => events.some(({ type }) => type === 'copy finished'));
    for (const one of finished) assert.deepEqual(one.position, position, 'a copy is finished where its slot begins');
    assert.equal(position!.witness, null);
    const [control] = await server.query('SELECT system_identifier::text AS id FROM pg_control_system()');
    assert.equal(position!.history.systemIdentifier, control.id);
  });

  test('changes of a table carry the definition that its reads carried', async () => {
    await server.query(`INSERT INTO t VALUES (1, 'copied')`);
    await using consumer = new Consumer(sourceOf(server, names).source, nothing);
    await consumer.copied();
    await server.query(`INSERT INTO t VALUES (2, 'streamed')`);
    await consumer.caughtUp();
    const [read, insert] = consumer.batches.flatMap(({ changes }) => changes);
    assert.deepEqual([read!.op, insert!.op], ['read', 'insert']);
    assert.equal(read!.table, insert!.table);
  });

  test('a copy takes the place of an old slot of the same name, and starts the next generation', async () => {
    await server.query('CREATE PUBLICATION veil FOR TABLE t, u');
    const { tables, position } = await checkpointAtNewSlot(server, names);
    await server.query(`INSERT INTO t VALUES (1, 'before')`);
    const absent = new Map(
      [...tables].map(([name, entry]) => [name, { ...entry, state: { state: 'absent' } as const }]),
    );
    await using consumer = new Consumer(sourceOf(server, names).source, { position: null, tables: absent });
    await consumer.copied();
    await consumer.caughtUp();
    assert.deepEqual(consumer.changes, ['read public.t 1|before']);
    const [slot] = await server.query('SELECT confirmed_flush_lsn FROM pg_replication_slots');
    assert.ok(parseLsn(slot.confirmed_flush_lsn) > position.pos);
    const started = consumer.batches.flatMap(({ events }) => events).find(({ type }) => type === 'copy started');
    assert.equal(started?.type === 'copy started' && started.generation, 2);
  });

  test('a slot of somebody else is never dropped', async () => {
    await server.query(`SELECT pg_create_physical_replication_slot('veil')`);
    await using consumer = new Consumer(sourceOf(server, names).source, nothing);
    assert.equal((await consumer.failure()).code, 'slot_unfit');
    const [{ count }] = (await server.query('SELECT count(*) FROM pg_replication_slots')) as [{ count: string }];
    assert.equal(count, '1');
  });

  test('a table that is not there stops alone', async () => {
    await server.query('DROP TABLE u');
    await using consumer = new Consumer(sourceOf(server, names).source, nothing);
    await consumer.copied();
    await server.query(`INSERT INTO t VALUES (1, 'x')`);
    await consumer.caughtUp();
    assert.deepEqual(eventsOf(consumer, 'public.u'), ['stopped']);
    assert.deepEqual(consumer.changes, ['insert public.t 1|x']);
  });

  test('the end that was asked for during the copy is reached after it', async () => {
    await server.query(`INSERT INTO t SELECT i, 'x' FROM generate_series(1, 1000) i`);
    const { source } = sourceOf(server, names);
    await using consumer = new Consumer(source, nothing);
    const hold = Promise.withResolvers<void>();
    consumer.pause = hold.promise;
    await until(() => consumer.batches.length > 0, { what: 'the copy to begin' });
    await server.query(`INSERT INTO t VALUES (0, 'during')`);
    const end = await source.end();
    hold.resolve();
    await consumer.reached(end);
    assert.equal(fold(consumer, 'public.t').size, 1001);
  });

  test('a fast stop during a copy that nobody takes ends in time', async () => {
    await using other = await startPostgres({ major, settings: { wal_level: 'logical' }, own: true });
    await other.query('CREATE TABLE t (id int PRIMARY KEY, note text); CREATE TABLE u (id int PRIMARY KEY)');
    await other.query(`INSERT INTO t SELECT i, repeat('x', 200) FROM generate_series(1, 200000) i`);
    await using consumer = new Consumer(sourceOf(other, names, { memory: 4 << 20 }).source, nothing);
    await until(() => consumer.batches.some(({ changes }) => changes.length > 0), {
      what: 'the copy to begin',
      interval: 1,
    });
    consumer.pause = new Promise(() => {});
    const reading = `SELECT FROM pg_stat_activity WHERE query LIKE 'COPY%' AND state = 'active'`;
    assert.ok((await other.query(reading)).length > 0, 'the copy is over already');
    const started = performance.now();
    await other.stop('fast');
    const took = performance.now() - started;
    assert.ok(took < 8000, `${took} ms`);
  });
});
