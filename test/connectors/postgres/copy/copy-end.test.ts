// How a copy ends before its end: the source goes away, the pipeline stops, the consumer does not come back.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { PgveilError } from '../../../../src/core/errors.ts';
import { type PostgresServer, startPostgres } from '../../../support/postgres/postgres.ts';
import { until } from '../../../support/wait.ts';
import { ask, Consumer, Database, PreparedCopy } from '../parts.ts';
import { SilentProxy } from '../silence.ts';

const settings = { wal_level: 'logical', max_connections: '60' };

const bigTables = (...names: string[]) =>
  names
    .map(
      (name) => `CREATE TABLE ${name} (id int PRIMARY KEY, note text);
      INSERT INTO ${name} SELECT i, repeat('n', 1200) FROM generate_series(1, 30000) i;`,
    )
    .join('');

const inUse = (database: Database) =>
  database.query(
    "SELECT pid, application_name FROM pg_stat_activity WHERE application_name IN ('pgveil copy', 'pgveil guard')",
  );

setFlagsFromString('--expose-gc');
const collectGarbage: () => void = runInNewContext('gc');

function bytesHeld(): number {
  collectGarbage();
  return process.memoryUsage().arrayBuffers;
}

/** Waits until none of the workers gets on: each time it is looked, for a while, all of them wait for their reader. */
async function allHeldUp(database: Database, workers: number): Promise<void> {
  const sql = "SELECT FROM pg_stat_activity WHERE application_name = 'pgveil copy' AND wait_event = 'ClientWrite'";
  let times = 0;
  const look = async () => {
    times = (await database.query(sql)).length === workers ? times + 1 : 0;
    return times === 10;
  };
  await until(look, { what: `all ${workers} workers to be held up`, interval: 50 });
}

async function allSessionsEnd(database: Database): Promise<void> {
  const gone = async () => (await inUse(database)).length === 0;
  await until(gone, { what: 'all sessions of the copy to end' });
}

describe('a copy that ends early', () => {
  let server: PostgresServer;
  before(async () => {
    server = await startPostgres({ settings, own: true });
  });
  after(() => server[Symbol.asyncDispose]());

  test('an aborted signal ends it without an error, in the middle of a chunk, and no session is left', async () => {
    await using database = await Database.create(server, bigTables('a', 'b'));
    const abort = new AbortController();
    await using copy = await PreparedCopy.prepare(database, ask('public.a', 'public.b'), {
      signal: abort.signal,
      memory: 1,
    });
    const consumer = new Consumer();
    for await (const batch of copy.batches()) {
      consumer.take(batch);
      if (consumer.bytes.length > 0) abort.abort();
    }
    assert.equal(consumer.count('copy read'), 0);
    await allSessionsEnd(database);
  });

  test('an aborted signal ends it while the consumer waits for a batch', async () => {
    await using database = await Database.create(server, bigTables('a'));
    const abort = new AbortController();
    await using copy = await PreparedCopy.prepare(database, ask('public.a'), { signal: abort.signal });
    await using blocker = await server.connect(database.name);
    await blocker.query('BEGIN; LOCK TABLE a IN ACCESS EXCLUSIVE MODE');
    const running = copy.run();
    await until(async () => (await inUse(database)).length > 1, { what: 'a worker to wait for the lock' });
    const started = performance.now();
    abort.abort();
    await running;
    assert.ok(performance.now() - started < 3000);
    await allSessionsEnd(database);
  });

  test('a consumer that goes away ends it too', async () => {
    await using database = await Database.create(server, bigTables('a'));
    await using copy = await PreparedCopy.prepare(database, ask('public.a'), { memory: 1 });
    let batches = 0;
    for await (const batch of copy.batches()) if (batch.changes.length > 0 && ++batches === 2) break;
    await allSessionsEnd(database);
  });

  test('a lock that is held for long delays its table and no other', async () => {
    await using database = await Database.create(server, bigTables('a', 'b'));
    await using copy = await PreparedCopy.prepare(database, ask('public.a', 'public.b'), { workers: 2 });
    await using blocker = await server.connect(database.name);
    await blocker.query('BEGIN; LOCK TABLE a IN ACCESS EXCLUSIVE MODE');
    const consumer = new Consumer();
    for await (const batch of copy.batches()) {
      consumer.take(batch);
      if (consumer.events.get('public.b')?.at(-1) === 'copy read') await blocker.query('ROLLBACK');
    }
    assert.equal(consumer.rows('public.a').length, 30_000);
    assert.equal(consumer.events.get('public.a')!.at(-1), 'copy read');
  });

  for (const who of ['copy', 'guard', 'keeper']) {
    test(`it throws, and leaves no session, when the connection of the ${who} is cut`, async () => {
      await using database = await Database.create(server, bigTables('a', 'b', 'c'));
      const asked = ask('public.a', 'public.b', 'public.c');
      await using copy = await PreparedCopy.prepare(database, asked, { workers: 1, memory: 1, chunkBytes: 1 << 20 });
      const consumer = new Consumer();
      const reading = (async () => {
        for await (const batch of copy.batches()) {
          consumer.take(batch);
          if (consumer.bytes.length === 0 || consumer.count('cut') > 0) continue;
          consumer.events.set('test', ['cut']);
          await database.query(
            `SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE application_name = 'pgveil ${who}'`,
          );
        }
      })();
      await assert.rejects(reading, (error) => {
        assert.ok(error instanceof PgveilError);
        assert.match(error.code, /^source_(away|closing|failed)$/);
        return true;
      });
      await allSessionsEnd(database);
    });
  }

  test('a source that does not answer any more holds up no end, and no socket stays open', async () => {
    await using database = await Database.create(server, bigTables('a', 'b'));
    await using proxy = await SilentProxy.before(database.url);
    const abort = new AbortController();
    const options = { url: proxy.url, signal: abort.signal, workers: 2, memory: 1 };
    await using copy = await PreparedCopy.prepare(database, ask('public.a', 'public.b'), options);
    let started = 0;
    for await (const batch of copy.batches()) {
      if (batch.changes.length === 0 || started > 0) continue;
      proxy.fallSilent();
      assert.equal(proxy.open.size, 3, 'two workers and the guard');
      started = performance.now();
      abort.abort();
    }
    assert.ok(performance.now() - started < 5000, `it took ${performance.now() - started} ms`);
    await until(() => proxy.open.size === 0, { what: 'all sockets to be closed' });
  });

  test('not pulling stops the workers within the memory they were given', async () => {
    await using database = await Database.create(server, bigTables('a', 'b', 'c'));
    const memory = 4 << 20;
    await using copy = await PreparedCopy.prepare(database, ask('public.a', 'public.b', 'public.c'), { memory });
    const before = bytesHeld();
    const batches = copy.batches();
    await batches.next();
    await batches.next();
    await allHeldUp(database, 3);
    // What the queue holds, and per worker a batch that waits for room, one being built and what the socket gave.
    const held = bytesHeld() - before;
    assert.ok(held < memory + 3 * 5 * 2 ** 20, `${held >> 20} MB are held`);
    await batches.return(undefined);
    await allSessionsEnd(database);
  });

  test('large rows of several workers are read one at a time', async () => {
    const names = ['a', 'b', 'c'];
    const make = names.map(
      (name) => `CREATE TABLE ${name} (id int PRIMARY KEY, note text);
      ALTER TABLE ${name} ALTER note SET STORAGE EXTERNAL; INSERT INTO ${name} SELECT i, repeat('n', 40000000) FROM generate_series(1, 3) i;`,
    );
    await using database = await Database.create(server, make.join(''));
    await using copy = await PreparedCopy.prepare(database, ask(...names.map((name) => `public.${name}`)), {
      workers: 3,
      memory: 1 << 20,
    });
    const before = bytesHeld();
    const batches = copy.batches();
    await batches.next();
    await batches.next();
    await allHeldUp(database, names.length);
    // The row that is queued and the one being built, each in a buffer that grew by doubling, and a large row's beginning per worker.
    const held = bytesHeld() - before;
    assert.ok(held < 3 * 64 * 2 ** 20, `${held >> 20} MB are held`);
    let rows = 0;
    for await (const batch of batches) rows += batch.changes.length;
    assert.equal(rows, 3 * names.length);
  });

  test('the source stops in fast mode within seconds while a copy is paused', async () => {
    const database = await Database.create(server, bigTables('a'));
    const copy = await PreparedCopy.prepare(database, ask('public.a'), { memory: 1 });
    const batches = copy.batches();
    while ((await batches.next()).value!.changes.length === 0);
    const started = performance.now();
    await server.stop('fast');
    assert.ok(performance.now() - started < 10_000, `it took ${performance.now() - started} ms`);
    await assert.rejects(async () => {
      for (;;) if ((await batches.next()).done) return;
    }, PgveilError);
    await server.start();
    await allSessionsEnd(database);
  });
});
