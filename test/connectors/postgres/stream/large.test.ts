import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { forMajors } from '../../../support/postgres/majors.ts';
import { type PostgresServer, startPostgres } from '../../../support/postgres/postgres.ts';
import { until } from '../../../support/wait.ts';
import { Consumer, checkpointAtNewSlot, dropSlots, sourceOf } from '../following.ts';

setFlagsFromString('--expose-gc');
const collectGarbage: () => void = runInNewContext('gc');

/** Of buffers, without garbage. */
function bytesHeld(): number {
  collectGarbage();
  return process.memoryUsage().arrayBuffers;
}

forMajors('large transactions and rows', {}, (major) => {
  const MB = 1024 * 1024;
  const memory = 64 * MB;

  let server: PostgresServer;
  before(async () => {
    server = await startPostgres({ major, settings: { wal_level: 'logical', wal_writer_delay: '10ms', fsync: 'off' } });
  });
  after(async () => {
    await server[Symbol.asyncDispose]();
  });
  beforeEach(async () => {
    await dropSlots(server);
    await server.query('DROP PUBLICATION IF EXISTS veil; DROP TABLE IF EXISTS t, unlisted');
    await server.query(`CREATE TABLE t (id int PRIMARY KEY, note text); CREATE TABLE unlisted (id int PRIMARY KEY, note text);
    CREATE PUBLICATION veil FOR ALL TABLES`);
  });

  /** All that is in memory, and what is garbage in it. Not what the process holds: how much room V8 takes for its young objects is a flag's business. */
  function used(): number {
    const { heapUsed, external } = process.memoryUsage();
    return heapUsed + external;
  }

  /**
   * The most that was in memory, in bytes, and the longest time without a turn for timers, in ms: of the processor, since by the clock it
   * is the machine's other work as well.
   */
  async function costOf(work: () => Promise<void>): Promise<{ readonly bytes: number; readonly blockedMs: number }> {
    const before = used();
    let most = before;
    let blocked = 0;
    let turn = process.cpuUsage();
    const watch = setInterval(() => {
      const { user, system } = process.cpuUsage(turn);
      blocked = Math.max(blocked, user + system);
      turn = process.cpuUsage();
      most = Math.max(most, used());
    }, 10);
    await work();
    clearInterval(watch);
    return { bytes: most - before, blockedMs: blocked / 1000 };
  }

  test('a transaction of a million rows passes in parts, in flat memory', async () => {
    const from = await checkpointAtNewSlot(server, ['public.t']);
    await server.query(`INSERT INTO t SELECT i, md5(i::text) FROM generate_series(1, 1000000) i`);
    await using consumer = new Consumer(sourceOf(server, ['public.t'], { memory }).source, from, { keep: false });
    const { bytes, blockedMs } = await costOf(async () => {
      await consumer.caughtUp();
    });
    assert.equal(consumer.batches.at(-1)!.progress.seq, 1_000_000);
    assert.ok(bytes < 130 * MB, `${Math.round(bytes / MB)} MB`);
    assert.ok(blockedMs < 100, `${blockedMs} ms`);
  });

  test('while the consumer is stuck no more is queued than the configuration allows', async () => {
    const from = await checkpointAtNewSlot(server, ['public.t']);
    await using consumer = new Consumer(sourceOf(server, ['public.t'], { memory }).source, from, { keep: false });
    const stuck = Promise.withResolvers<void>();
    consumer.pause = stuck.promise;
    const { bytes } = await costOf(async () => {
      for (let i = 0; i < 10; i++) {
        await server.query(
          `INSERT INTO t SELECT i, md5(i::text) FROM generate_series(${i * 50000}, ${i * 50000 + 49999}) i`,
        );
      }
      await server.query('SELECT pg_sleep(1)');
    });
    assert.ok(bytes < 100 * MB, `${Math.round(bytes / MB)} MB`);
    stuck.resolve();
    await consumer.caughtUp();
  });

  test('rows of ours between many of an unlisted table hold none of those', async () => {
    const from = await checkpointAtNewSlot(server, ['public.t']);
    await using consumer = new Consumer(sourceOf(server, ['public.t'], { memory }).source, from);
    const before = bytesHeld();
    await server.query(`DO $$ BEGIN FOR i IN 1..2000 LOOP
      INSERT INTO t VALUES (i, 'x');
      INSERT INTO unlisted SELECT i * 70 + j, repeat('x', 1000) FROM generate_series(0, 69) j;
    END LOOP; END $$`);
    await consumer.caughtUp();
    const bytes = bytesHeld() - before;
    assert.equal(consumer.changes.length, 2000);
    // A view of each row’s chunk would hold 2000 times 64 KB; what the garbage collector has not got to yet is a few MB.
    assert.ok(bytes < 30 * MB, `${Math.round(bytes / MB)} MB`);
  });

  test('a row of 100 MB passes at the cost of its size, and holds nobody up', async () => {
    const from = await checkpointAtNewSlot(server, ['public.t']);
    await server.query(`INSERT INTO t VALUES (1, repeat('x', ${100 * MB}))`);
    await server.query(`UPDATE t SET id = 2`);
    await using consumer = new Consumer(sourceOf(server, ['public.t'], { memory }).source, from, { keep: false });
    const { bytes, blockedMs } = await costOf(async () => {
      await until(() => consumer.batches.some((batch) => batch.bytes > 100 * MB), { what: 'the row' });
      await consumer.caughtUp();
    });
    assert.ok(bytes < 200 * MB, `${Math.round(bytes / MB)} MB`);
    assert.ok(blockedMs < 500, `${blockedMs} ms`);
  });
});
