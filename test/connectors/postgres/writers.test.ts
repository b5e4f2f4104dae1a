// Rows that come about otherwise than by INSERT, UPDATE and DELETE in a transaction that COMMIT ends.
import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { after, before, beforeEach, test } from 'node:test';
import copyStreams from 'pg-copy-streams';
import type { Checkpoint } from '../../../src/core/checkpoint.ts';
import { forMajors } from '../../support/postgres/majors.ts';
import { type PostgresServer, startPostgres } from '../../support/postgres/postgres.ts';
import { Consumer, checkpointAfter, checkpointAtNewSlot, dropSlots, sourceOf } from './following.ts';

forMajors('rows written', { core: true }, (major) => {
  let server: PostgresServer;
  let start: Checkpoint;
  before(async () => {
    const settings = { wal_level: 'logical', max_prepared_transactions: '5', wal_writer_delay: '10ms' };
    server = await startPostgres({ major, settings, own: true });
    await server.query(`SELECT pg_replication_origin_create('elsewhere')`);
  });
  after(() => server[Symbol.asyncDispose]());
  beforeEach(async () => {
    await dropSlots(server);
    await server.query('DROP PUBLICATION IF EXISTS veil; DROP TABLE IF EXISTS t');
    await server.query('CREATE TABLE t (id int PRIMARY KEY, note text); CREATE PUBLICATION veil FOR TABLE t');
    start = await checkpointAtNewSlot(server, ['public.t']);
  });

  const follow = (checkpoint: Checkpoint) => new Consumer(sourceOf(server, ['public.t']).source, checkpoint);

  async function prepare(name: string, id: number): Promise<void> {
    await server.query(`BEGIN; INSERT INTO t VALUES (${id}, 'prepared ${name}'); PREPARE TRANSACTION '${name}'`);
  }

  test('a transaction in two phases arrives once, when it is committed, whoever streamed when it was prepared', async () => {
    await prepare('before', 1);
    const first = follow(start);
    await prepare('meanwhile', 2);
    await prepare('in vain', 3);
    await server.query(`INSERT INTO t VALUES (4, 'plain')`);
    await first.caughtUp();
    assert.deepEqual(first.changes, ['insert public.t 4|plain']);
    await server.query(`COMMIT PREPARED 'before'`);
    await server.query(`ROLLBACK PREPARED 'in vain'`);
    await first.caughtUp();
    assert.deepEqual(first.changes.slice(1), ['insert public.t 1|prepared before']);
    const durable = checkpointAfter(start, first);
    await first.stop();

    await using second = follow(durable);
    await server.query(`COMMIT PREPARED 'meanwhile'`);
    await second.caughtUp();
    assert.deepEqual(second.changes, ['insert public.t 2|prepared meanwhile']);
  });

  test('what another server’s changes made here, with a replication origin, arrives as well', async () => {
    await using consumer = follow(start);
    await using applier = await server.connect();
    await applier.query(`SELECT pg_replication_origin_session_setup('elsewhere')`);
    await applier.query(`BEGIN; SELECT pg_replication_origin_xact_setup('0/16B3748', now())`);
    await applier.query(`INSERT INTO t VALUES (1, 'from elsewhere'); COMMIT`);
    await applier.query(`UPDATE t SET note = 'again' WHERE id = 1`);
    await server.query(`INSERT INTO t VALUES (2, 'from here')`);
    await consumer.caughtUp();
    assert.deepEqual(consumer.changes, [
      'insert public.t 1|from elsewhere',
      'update public.t 1|again',
      'insert public.t 2|from here',
    ]);
  });

  test('COPY FROM arrives row by row, into a table that was there and into one that it froze', async () => {
    await using consumer = follow(start);
    await using client = await server.connect();
    const rows = Array.from({ length: 5000 }, (_, id) => `${id}\tcopied\n`);
    const copy = async (sql: string, lines: readonly string[]) =>
      await pipeline(Readable.from(lines), client.query(copyStreams.from(sql)));
    await copy('COPY t FROM STDIN', rows);
    await client.query('BEGIN; TRUNCATE t');
    await copy('COPY t FROM STDIN (FREEZE)', rows.slice(0, 100));
    await client.query('COMMIT');
    await consumer.caughtUp();
    const inserts = rows.map((_, id) => `insert public.t ${id}|copied`);
    assert.deepEqual(consumer.changes, [...inserts, 'truncate public.t', ...inserts.slice(0, 100)]);
  });

  if (major < 15) return; // which has no MERGE
  test('MERGE arrives as what it did', async () => {
    await server.query(`INSERT INTO t VALUES (1, 'old'), (2, 'old')`);
    await using consumer = follow(start);
    await server.query(`
      MERGE INTO t USING (VALUES (1, NULL), (2, 'merged'), (3, 'merged')) AS s (id, note) ON t.id = s.id
      WHEN MATCHED AND s.note IS NULL THEN DELETE
      WHEN MATCHED THEN UPDATE SET note = s.note
      WHEN NOT MATCHED THEN INSERT VALUES (s.id, s.note)`);
    await consumer.caughtUp();
    assert.deepEqual(consumer.changes.slice(2).toSorted(), [
      'delete public.t key 1|-',
      'insert public.t 3|merged',
      'update public.t 2|merged',
    ]);
  });
});
