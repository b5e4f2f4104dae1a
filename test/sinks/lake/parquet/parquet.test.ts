import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { chmod, mkdtemp, readdir, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { lakeTable, schemaString } from '../../../../sinks/lake/columns/lake-table.ts';
import { Duck, literal } from '../../../../sinks/lake/parquet/duck.ts';
import { type ParquetFile, writeParquet } from '../../../../sinks/lake/parquet/parquet.ts';
import { type Row, Rows, type Text } from '../../../../sinks/lake/parquet/rows.ts';
import type { Transaction } from '../../../../src/core/batch.ts';
import { type Cell, sketchTable, tuple, UNCHANGED } from '../../../support/batches.ts';
import { until } from '../../../support/wait.ts';
import { openDuck } from '../delta.ts';

const TRANSACTION: Transaction = { clsn: 0x7fffffffffffffffn, xid: 4_294_967_295, commitTime: 812_345_678_901_234n };

let duck: Duck;
before(async () => {
  duck = await openDuck();
});
after(() => duck.close());

function text(text: string): Text {
  const bytes = Buffer.from(text);
  return { bytes, start: 0, end: bytes.length };
}

function tableOf(columns: Record<string, string>) {
  return lakeTable(sketchTable({ relation: 't', columns: { id: 'bigint', ...columns }, key: ['id'] }));
}

async function write(columns: Record<string, string>, cells: readonly (readonly Cell[])[], changed: Partial<Row> = {}) {
  const rows = new Rows(tableOf(columns), '2025-09-28');
  for (const [i, row] of cells.entries()) {
    const image = tuple([String(i), ...row]);
    rows.add({
      op: 'c',
      transaction: TRANSACTION,
      seq: i + 1,
      key: text(String(i)),
      previousKey: null,
      image,
      ...changed,
    });
  }
  return await writeParquet(duck, rows);
}

// biome-ignore lint/suspicious/noExplicitAny: as JSON has it
async function read(file: ParquetFile, columns: string): Promise<any[][]> {
  const connection = await duck.connect();
  const reader = await connection.runAndReadAll(`SELECT ${columns} FROM read_parquet(${literal(file.path)})`);
  connection.closeSync();
  return reader.getRowsJson();
}

test('values come back as they were, and those that no reader could hold in _text', async () => {
  const columns = {
    i: 'bigint',
    n: 'numeric(38,10)',
    t: 'timestamp with time zone',
    d: 'date',
    a: 'integer[]',
    j: 'jsonb',
    b: 'bytea',
  };
  const file = await write(columns, [
    [
      '9007199254740993',
      '0.0000000001',
      '2025-09-28 23:59:59.000001+00',
      '0001-01-01',
      '{1,NULL}',
      '{"a": 1.0}',
      '\\x00ff',
    ],
    [null, 'NaN', 'infinity', '0044-03-15 BC', '{{1},{2}}', '""', '\\x'],
  ]);
  const shown = 'i, n::VARCHAR, epoch_us(t)::VARCHAR, d::VARCHAR, a::VARCHAR, j, hex(b), _text::VARCHAR';
  assert.deepEqual(await read(file, shown), [
    ['9007199254740993', '0.0000000001', '1759103999000001', '0001-01-01', '[1, NULL]', '{"a": 1.0}', '00FF', null],
    [null, null, null, null, null, '""', '', "{n=NaN, t=infinity, d=0044-03-15 BC, a='{{1},{2}}'}"],
  ]);
});

test('what had no place leaves nothing behind for the next row, and a list may be longer than a vector', async () => {
  const long = Array.from({ length: 5000 }, (_, i) => (i % 3 === 0 ? 'NULL' : `element number ${i}`));
  const file = await write({ d: 'date[]', t: 'text[]' }, [
    ['{2000-01-01,2000-01-02,infinity}', null],
    ['{NULL,2000-01-03}', `{${long}}`],
    [null, '{}'],
    ['{}', '{a,NULL}'],
  ]);
  const shown = await read(file, 'd::VARCHAR, len(t), t[5000], list_count(t), _text::VARCHAR');
  assert.deepEqual(shown, [
    [null, null, null, null, "{d='{2000-01-01,2000-01-02,infinity}'}"],
    ['[NULL, 2000-01-03]', '5000', 'element number 4999', '3333', null],
    [null, '0', null, '0', null],
    ['[]', '2', null, '1', null],
  ]);
});

test('each row says where it comes from', async () => {
  const file = await write({ name: 'text', note: 'text' }, [['a', UNCHANGED]], { op: 'u', previousKey: text('7') });
  const shown =
    'source_primary_key, id, name, note, _op, _commit_lsn::VARCHAR, _seq, epoch_us(_commit_ts)::VARCHAR, _xid, _unchanged, _previous_key';
  assert.deepEqual(await read(file, shown), [
    ['0', '0', 'a', null, 'u', '9223372036854775807', '1', '1759030478901234', '4294967295', ['note'], '7'],
  ]);
});

test('a truncate has neither key nor values', async () => {
  const rows = new Rows(tableOf({ name: 'text' }), '2025-09-28');
  rows.add({ op: 't', transaction: { ...TRANSACTION, xid: null }, seq: 3, key: null, previousKey: null, image: null });
  const file = await writeParquet(duck, rows);
  assert.deepEqual(await read(file, 'source_primary_key, id, name, _op, _xid, _unchanged, _text'), [
    [null, null, null, 't', null, null, null],
  ]);
});

test('statistics hold for every row, and name nothing that has no order', async () => {
  const long = 'b'.repeat(40);
  const columns = {
    s: 'text',
    f: 'double precision',
    g: 'real',
    n: 'numeric(30,2)',
    t: 'timestamp without time zone',
    d: 'date',
    o: 'boolean',
    a: 'integer[]',
  };
  const file = await write(columns, [
    ['a"\\', '1.5', 'NaN', '-12345678901234567890.12', '2020-01-01 00:00:00.123456', '2020-01-01', 't', '{1}'],
    [long, '-2e-05', '1', '0', '2020-01-02 00:00:00.123456', '0001-01-01', 'f', null],
    [null, null, null, null, null, null, null, null],
  ]);
  const { numRecords, minValues, maxValues, nullCount } = JSON.parse(file.stats);
  assert.equal(numRecords, 3);
  const { s, f, t, d, id, _seq } = minValues;
  assert.deepEqual(
    { s, f, t, d, id, _seq },
    { s: 'a"\\', f: -2e-5, t: '2020-01-01T00:00:00.123', d: '0001-01-01', id: 0, _seq: 1 },
  );
  assert.ok(maxValues.s > long && maxValues.s.startsWith(long.slice(0, 32)) && [...maxValues.s].length === 33);
  assert.equal(maxValues.t, '2020-01-02T00:00:00.124');
  assert.equal(maxValues._commit_ts, '2025-09-28T03:34:38.902Z');
  assert.match(file.stats, /"n":-12345678901234567890\.12/);
  assert.match(file.stats, /"_commit_lsn":9223372036854775807/);
  for (const bounds of [minValues, maxValues])
    for (const name of ['g', 'o', 'a', '_text']) assert.ok(!(name in bounds));
  assert.deepEqual([nullCount.s, nullCount.a, nullCount.id, nullCount._text], [1, 2, 0, 3]);
});

test('the last moment that Delta knows has no upper bound beyond it', async () => {
  const file = await write({ t: 'timestamp with time zone' }, [['9999-12-31 23:59:59.999999+00']]);
  const { minValues, maxValues } = JSON.parse(file.stats);
  assert.equal(minValues.t, '9999-12-31T23:59:59.999Z');
  assert.equal(maxValues.t, undefined);
});

test('more rows than a vector holds, and larger ones than a chunk does, come in their order', async () => {
  const large = 'x'.repeat(700_000);
  const cells = Array.from({ length: 5000 }, (_, i) => [i % 1000 === 7 ? `${large}${i}` : `row ${i}`]);
  const file = await write({ name: 'text' }, cells);
  const shown = await read(file, `count(*), bool_and(id = _seq - 1), max(length(name)), count(DISTINCT name)`);
  assert.deepEqual(shown, [['5000', true, '700004', '5000']]);
});

test('a value as large as a row may be becomes a file, though it is more than DuckDB may hold by itself', async () => {
  const file = await write({ name: 'text' }, [[randomBytes(50_000_000).toString('hex')]]);
  assert.deepEqual(await read(file, 'length(name)'), [['100000000']]);
});

test('a file is of the codec, and knows the generation and the plan, that it was written with', async () => {
  const { path } = await write({ name: 'text' }, [['a']]);
  const connection = await duck.connect();
  const asked = async (sql: string) => (await connection.runAndReadAll(sql)).getRowsJson();
  assert.deepEqual(await asked(`SELECT DISTINCT compression FROM parquet_metadata(${literal(path)})`), [['ZSTD']]);
  const pairs = await asked(
    `SELECT decode(key), decode(value) FROM parquet_kv_metadata(${literal(path)}) WHERE decode(key) LIKE 'pgveil%' ORDER BY 1`,
  );
  assert.deepEqual(pairs, [
    ['pgveil.generation', '1'],
    ['pgveil.plan', 'plan'],
    ['pgveil.table', 'public.t'],
  ]);
  connection.closeSync();
});

test('columns that nobody decided on are not there, and names that were encoded say what they were', () => {
  const source = sketchTable({ relation: 't', columns: { id: 'bigint', 'a b': 'text', secret: 'text' }, key: ['id'] });
  const columns = source.columns.map((column) => ({ ...column, withheld: column.name === 'secret' }));
  const { fields } = JSON.parse(schemaString(lakeTable({ ...source, columns })));
  const names = fields.map(({ name }: { name: string }) => name);
  assert.deepEqual(names.slice(0, 4), ['source_primary_key', 'id', 'a%20b', '_op']);
  assert.equal(names.at(-1), '_date');
  assert.deepEqual(fields[2].metadata, { 'pgveil.name': 'a b' });
  assert.deepEqual(fields[1].metadata, {});
});

test('a column with a name of the lake’s own is refused with the fix', () => {
  const source = sketchTable({ relation: 't', columns: { id: 'bigint', _seq: 'text' }, key: ['id'] });
  assert.throws(() => lakeTable(source), { code: 'reserved_column', message: /public\.t has a column _seq/ });
});

test('the next open removes what is left of an instance before, and closing one what is its own', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'pgveil-duck-'));
  const first = await Duck.open(folder);
  await writeFile(first.path('parquet'), 'rows');
  const second = await Duck.open(folder);
  assert.deepEqual(await readdir(folder), [basename(dirname(second.path('x')))]);
  await first.close();
  await second.close();
  assert.deepEqual(await readdir(folder), []);
});

test('closing waits for what is still written into the folder, and lets nothing else begin', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'pgveil-duck-'));
  const closed = await Duck.open(folder);
  const held = Promise.withResolvers<void>();
  let begun = 0;
  const write = async () => {
    begun++;
    await held.promise;
    await writeFile(closed.path('parquet'), 'rows');
  };
  const writing = [closed.inTurn(0, write), closed.with(write)];
  const refused = assert.rejects(closed.inTurn(Number.POSITIVE_INFINITY, write), { code: 'lake_away' });
  await until(() => begun === writing.length, { what: 'both to be at work' });
  const closing = closed.close();
  held.resolve();
  await closing;
  assert.deepEqual(await readdir(folder), []);
  await Promise.all(writing);
  await refused;
  await assert.rejects(closed.with(write), { code: 'lake_away' });
});

test('an instance that is overtaken and still writes does not keep the next one from opening', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'pgveil-duck-'));
  const overtaken = await Duck.open(folder);
  let isOver = false;
  const writing = (async () => {
    while (!isOver) await writeFile(overtaken.path('parquet'), 'rows').catch(() => {});
  })();
  try {
    for (let i = 0; i < 20; i++) await (await Duck.open(folder)).close();
  } finally {
    isOver = true;
    await writing;
  }
  await overtaken.close();
  assert.deepEqual(await readdir(folder), []);
});

test('a folder for temporary files that others may look into is refused', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'pgveil-duck-'));
  await chmod(folder, 0o755);
  await assert.rejects(Duck.open(folder), { code: 'lake_rights' });
});
