import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { RawBatch } from '../../../src/core/batch.ts';
import type { Checkpoint, Position } from '../../../src/core/checkpoint.ts';
import { forMajors } from '../../support/postgres/majors.ts';
import { type PostgresServer, startPostgres } from '../../support/postgres/postgres.ts';
import { until } from '../../support/wait.ts';
import { Consumer, cells, checkpointAtNewSlot, confirmedFlush, sourceOf } from './following.ts';

forMajors('resuming', {}, (major) => {
  const names = ['public.t'];

  /** A sink in memory: what it took is durable at a position, or gone. */
  class Sink {
    rows = new Map<string, string>();
    checkpoint: Checkpoint & { readonly position: Position };
    applied = 0;

    constructor(checkpoint: Checkpoint & { readonly position: Position }) {
      this.checkpoint = checkpoint;
    }

    /** Makes durable what of these batches is followed by a position. */
    take(batches: readonly RawBatch[]): void {
      const whole = batches.findLastIndex(({ position }) => position) + 1;
      for (const { changes } of batches.slice(0, whole)) for (const change of changes) this.#apply(change);
      const position = batches[whole - 1]?.position;
      if (!position) return;
      assert.ok(position.pos >= this.checkpoint.position.pos, 'a position went back');
      this.checkpoint = { ...this.checkpoint, position };
    }

    #apply({ op, before, after }: RawBatch['changes'][number]): void {
      const old = before ? cells(before).split('|')[0]! : op === 'update' ? cells(after!).split('|')[0]! : null;
      if (old !== null) assert.ok(this.rows.delete(old), `${op} of ${old}, which is not there`);
      if (after) {
        const row = cells(after);
        const key = row.split('|')[0]!;
        assert.ok(!this.rows.has(key), `${op} of ${key}, which is there`);
        this.rows.set(key, row);
      }
      this.applied++;
    }
  }

  /** Two writers: many transactions of a few rows, adjacent ones among them, and now and then one that comes in parts. */
  async function write(server: PostgresServer, writer: number, isOver: () => boolean): Promise<void> {
    for (let id = writer; !isOver(); ) {
      try {
        await using session = await server.connect();
        for (; !isOver(); id += 2) {
          await session.query(`BEGIN; INSERT INTO t VALUES (${id}, 'a'), (${-id}, 'a');
          UPDATE t SET note = 'b' WHERE id = ${id}; UPDATE t SET id = id + 100000000 WHERE id = ${-id} + 40; DELETE FROM t WHERE id = ${id - 20}; COMMIT`);
          if (id % 300 < 2) {
            const from = 1_000_000_000 + id * 10_000;
            await session.query(
              `INSERT INTO t SELECT i, repeat('x', 90) FROM generate_series(${from}, ${from + 5000}) i`,
            );
          }
        }
      } catch {
        id += 2; // it may have been committed, or not: the table will tell
        await sleep(50);
      }
    }
  }

  const troubles: readonly ((server: PostgresServer, consumer: Consumer) => Promise<unknown>)[] = [
    (_, consumer) => consumer.stop(),
    (server) => server.query('SELECT pg_terminate_backend(pid) FROM pg_stat_replication'),
    (server) => server.query(`SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND granted`),
    (server) => server.restart('immediate'),
    (server) => server.restart('fast'),
  ];

  test('whatever ends a stream, the next one goes on without a gap and without a repetition', async (t) => {
    await using server = await startPostgres({
      major,
      settings: { wal_level: 'logical', wal_writer_delay: '10ms' },
      own: true,
    });
    await server.query('CREATE TABLE t (id bigint PRIMARY KEY, note text); CREATE PUBLICATION veil FOR TABLE t');
    const sink = new Sink(await checkpointAtNewSlot(server, names));
    let over = false;
    const writing = [1, 2].map((writer) => write(server, writer, () => over));
    for (let round = 0; round < troubles.length * 3; round++) {
      await using consumer = new Consumer(sourceOf(server, names, { memory: 1 << 20 }).source, sink.checkpoint);
      await until(() => consumer.changes.length > 500, { what: 'changes' });
      // Durable are those that were there at some moment, acknowledged those, or none.
      const durable = consumer.batches.slice(0, Math.ceil(consumer.batches.length * (1 - (round % 4) / 4)));
      if (round === troubles.length * 3 - 1) over = true;
      await troubles[round % troubles.length]!(server, consumer);
      sink.take(durable);
      if (round % 2 === 0) consumer.source.ack(sink.checkpoint.position.pos);
      await consumer.stop();
      assert.ok((await confirmedFlush(server)) <= sink.checkpoint.position.pos, 'the slot is ahead of the sink');
    }
    await Promise.all(writing);
    await using last = new Consumer(sourceOf(server, names).source, sink.checkpoint);
    await last.caughtUp();
    sink.take(last.batches);
    const expected = await server.query<{ id: string; note: string }>('SELECT id::text, note FROM t');
    assert.deepEqual(sink.rows, new Map(expected.map(({ id, note }) => [id, `${id}|${note}`])));
    t.diagnostic(`${sink.applied} changes`);
  });
});
