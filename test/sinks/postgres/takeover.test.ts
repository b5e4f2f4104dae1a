// One instance writes at a time, and the checkpoint tells which.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { savePosition } from '../../../sinks/postgres/checkpoint.ts';
import { storedCheckpoint } from '../../../sinks/postgres/look.ts';
import type { PgveilError } from '../../../src/core/errors.ts';
import { Secret } from '../../../src/core/secret.ts';
import type { Explain } from '../../../src/postgres/pipeline.ts';
import { entryOf, insert, positionAt, sketchTable, upTo } from '../../support/batches.ts';
import { createDatabase, type PostgresServer, startPostgres } from '../../support/postgres/postgres.ts';
import { until } from '../../support/wait.ts';
import { copyInto, optionsFor, rowsOf, signal, TestSink } from './twin.ts';

let server: PostgresServer;
before(async () => {
  server = await startPostgres();
});
after(async () => {
  await server[Symbol.asyncDispose]();
});

function sketch(relation: string) {
  return sketchTable({ relation, columns: { id: 'bigint' }, key: ['id'] });
}

async function opened(pipeline: string): Promise<TestSink> {
  const sink = new TestSink(server, { pipeline });
  await sink.open(signal);
  return sink;
}

test('two instances that open an empty twin at once both get there, and one of them writes', async () => {
  const url = new Secret(await createDatabase(server, 'fresh'));
  const sinks = Array.from({ length: 4 }, () => new TestSink(server, { url, pipeline: 'race' }));
  const opened = await Promise.allSettled(sinks.map((sink) => sink.open(signal)));
  assert.ok(opened.some(({ status }) => status === 'fulfilled'));
  const table = sketch('race');
  const written = await Promise.allSettled(sinks.map((sink) => copyInto(sink, table, [['1']])));
  assert.equal(written.filter(({ status }) => status === 'fulfilled').length, 1);
  for (const sink of sinks) await sink.close();
});

test('an instance whose transaction is open in the middle of a commit is ended by the next', async () => {
  const table = sketch('hung');
  const first = await opened('hung');
  await copyInto(first, table, [['1']]);
  // As its host's power cut would leave it: the backend waits for a client that is gone, and has locked the row.
  const [{ holder_pid: pid }] = await server.query(`SELECT holder_pid FROM pgveil.checkpoint WHERE pipeline = 'hung'`);
  await first.write(upTo(0x200n, [insert(table, ['2'])]));
  await using holder = await server.connect();
  await holder.query('BEGIN');
  await holder.query(
    `UPDATE pgveil.checkpoint SET holder_pid = pg_backend_pid(),
       holder_start = (SELECT backend_start FROM pg_stat_activity WHERE pid = pg_backend_pid()) WHERE pipeline = 'hung'`,
  );
  await holder.query('COMMIT; BEGIN');
  await holder.query(`UPDATE pgveil.checkpoint SET pos = pos WHERE pipeline = 'hung'`);

  const second = await opened('hung');
  assert.deepEqual(second.observed, []);
  await first.close();
  await copyInto(second, { ...table, generation: 2 }, [['3']], 0x300n);
  await second.close();
  assert.deepEqual(await rowsOf(server, table), [['3']]);
  assert.ok(pid > 0);
});

test('an instance that hangs in the middle of committing a chunk is ended by the next', async () => {
  await (await opened('chunk')).close();
  // Not its main session, which the checkpoint names: a chunk has one of its own.
  await using chunk = await server.connect();
  await chunk.query(`SET application_name = 'pgveil chunk'`);
  await chunk.query(`BEGIN; SELECT FROM pgveil.checkpoint WHERE pipeline = 'chunk' FOR KEY SHARE`);
  chunk.on('error', () => {});
  const heir = await opened('chunk');
  assert.deepEqual(heir.observed, []);
  await heir.close();
});

test('a row that somebody else holds is waited for, aloud, and an abort ends the wait', async () => {
  await (await opened('held')).close();
  await using holder = await server.connect();
  await holder.query(`BEGIN; SELECT FROM pgveil.checkpoint WHERE pipeline = 'held' FOR KEY SHARE`);
  const abort = new AbortController();
  const waiting = new TestSink(server, { pipeline: 'held' });
  const aborted = assert.rejects(waiting.open(abort.signal), { name: 'AbortError' });
  await until(() => waiting.observed.some(({ type }) => type === 'waiting'), { what: 'the open to wait' });
  abort.abort();
  await aborted;

  const patient = new TestSink(server, { pipeline: 'held' });
  const open = patient.open(signal);
  await until(() => patient.observed.some(({ type }) => type === 'waiting'), { what: 'the open to wait' });
  await holder.query('COMMIT');
  assert.equal((await open).position, null);
  await patient.close();
});

test('a position is fenced by the epoch alone, were the backend still alive', async () => {
  const table = sketch('zombie');
  const sink = await opened('zombie');
  await copyInto(sink, table, []);
  await sink.write(upTo(0x200n, [insert(table, ['1'])]));
  await server.query(`UPDATE pgveil.checkpoint SET epoch = epoch + 1 WHERE pipeline = 'zombie'`);
  await assert.rejects(sink.flush(positionAt(0x200n)), (error: PgveilError) => error.code === 'fenced');
  await sink.close();
  assert.deepEqual(await rowsOf(server, table), []);
});

test('a position that is fenced gives that name to all that was sent behind it', async () => {
  const refuse = async (_sql: string, _values: unknown, explain: Explain) => {
    throw explain({ code: '22012', message: 'division by zero' });
  };
  const saved = savePosition(refuse, { pipeline: 'behind', epoch: 1n }, null, positionAt(0x200n));
  await assert.rejects(saved, (error: PgveilError) => error.code === 'fenced');
});

test('a checkpoint of a newer pgveil is refused, and nothing is changed', async () => {
  await (await opened('newer')).close();
  await server.query(`UPDATE pgveil.checkpoint SET format = format + 1 WHERE pipeline = 'newer'`);
  const rows = () => server.query(`SELECT * FROM pgveil.checkpoint WHERE pipeline = 'newer'`);
  const was = await rows();
  const sink = new TestSink(server, { pipeline: 'newer' });
  await assert.rejects(sink.open(signal), (error: PgveilError) => error.code === 'newer_checkpoint');
  assert.deepEqual(await rows(), was);
});

test('a checkpoint of an older form has no position any more, and keeps what its tables were bound to', async () => {
  const table = sketch('older');
  const sink = await opened('older');
  await copyInto(sink, table, [['1']]);
  await sink.close();
  await server.query(`UPDATE pgveil.checkpoint SET format = format - 1 WHERE pipeline = 'older'`);
  for (const start of ['first', 'second']) {
    const again = new TestSink(server, { pipeline: 'older' });
    const { position, tables } = await again.open(signal);
    assert.deepEqual([position, tables.get(table.name)], [null, entryOf(table)], start);
    await again.close();
  }
});

test('whoever does not write may read the checkpoint', async () => {
  const table = sketch('looked_at');
  const sink = await opened('looked_at');
  await copyInto(sink, table, []);
  assert.deepEqual(await storedCheckpoint(optionsFor(server, { pipeline: 'looked_at' })), {
    position: positionAt(0x100n),
    tables: new Map([[table.name, entryOf(table)]]),
  });
  assert.equal(await storedCheckpoint(optionsFor(server, { pipeline: 'never' })), null);
  const empty = new Secret(await createDatabase(server, 'empty'));
  assert.equal(await storedCheckpoint(optionsFor(server, { url: empty })), null);
  await sink.close();
});

test('a twin that is gone, and comes back', async () => {
  await using own = await startPostgres({ own: true });
  const table = sketch('back');
  const sink = new TestSink(own, { pipeline: 'back' });
  await sink.open(signal);
  await copyInto(sink, table, [['1']]);
  await sink.write(upTo(0x200n, [insert(table, ['2'])]));
  await own.restart('immediate');
  await assert.rejects(sink.flush(positionAt(0x200n)), (error: PgveilError) => error.code === 'twin_away');
  assert.deepEqual((await sink.open(signal)).position, positionAt(0x100n));
  await sink.write(upTo(0x200n, [insert(table, ['2'])]));
  await sink.flush(positionAt(0x200n));
  await sink.close();
  assert.deepEqual(await rowsOf(own, table), [['1'], ['2']]);
});
