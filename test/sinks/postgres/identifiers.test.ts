import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { insert, remove, sketchTable, truncate, UNCHANGED, update, upTo } from '../../support/batches.ts';
import { type PostgresServer, startPostgres } from '../../support/postgres/postgres.ts';
import { copyInto, rowsOf, signal, TestSink } from './twin.ts';

let server: PostgresServer;
before(async () => {
  server = await startPostgres();
});
after(async () => {
  await server[Symbol.asyncDispose]();
});

const NAMES = [
  'select',
  'Mixed Case',
  'a"b',
  "it's",
  't.a"; DROP SCHEMA pgveil CASCADE; --',
  '../..',
  '%s %I $1 \\',
  '😀',
  'ü'.repeat(31),
  'x'.repeat(63),
  '__proto__',
  'constructor',
];

test('schemas, tables, columns and indexes may be called anything', async () => {
  for (const [at, name] of NAMES.entries()) {
    const schema = NAMES[(at + 1) % NAMES.length]!;
    const others = NAMES.filter((other) => other !== name && other !== '__proto__');
    const columns = Object.fromEntries(
      [name === '__proto__' ? 'id' : name, ...others].map((column) => [column, 'text']),
    );
    const key = [Object.keys(columns)[0]!];
    const indexes = [{ name, method: 'btree', columns: [1, 0] }];
    const table = sketchTable({ schema, relation: name, columns, key, oid: 50000 + at, indexes });
    const sink = new TestSink(server, { pipeline: name });
    await sink.open(signal);
    const row = (id: string, rest: string) => [id, ...others.map(() => rest)];
    await copyInto(sink, table, [row('1', 'a'), row('2', 'b')]);
    const batch = upTo(0x200n, [
      update(table, ['1', ...others.map((_, column) => (column === 2 ? UNCHANGED : 'A'))]),
      update(table, ['5', ...others.map((_, column) => (column === 2 ? UNCHANGED : 'B'))], row('2', 'b')),
      insert(table, row('3', 'c')),
      remove(table, row('3', 'c')),
      update(table, row('4', 'd')),
    ]);
    await sink.write(batch);
    await sink.flush(batch.position);
    const patched = (id: string, rest: string, old: string) => {
      return [id, ...others.map((_, column) => (column === 2 ? old : rest))];
    };
    assert.deepEqual(await rowsOf(server, table), [patched('1', 'A', 'a'), row('4', 'd'), patched('5', 'B', 'b')]);
    const last = upTo(0x300n, [truncate(table)]);
    await sink.write(last);
    await sink.flush(last.position);
    assert.deepEqual(await rowsOf(server, table), []);
    await copyInto(sink, { ...table, generation: 2 }, [row('9', 'z')], 0x400n);
    const checkpoint = await sink.open(signal);
    assert.equal(checkpoint.tables.get(table.name)?.generation, 2);
    await sink.close();
    assert.deepEqual(
      sink.observed.filter(({ type }) => type === 'warning'),
      [],
    );
  }
});
