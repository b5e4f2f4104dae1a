import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { BLOB, type DuckDBDataChunk } from '@duckdb/node-api';
import duckdb from '@duckdb/node-bindings';
import { elementsOf } from '../../../../sinks/lake/columns/array-text.ts';
import { dateOf, dayOf, microsOf, secondsOf, unixMicros } from '../../../../sinks/lake/columns/calendar.ts';
import { lakeType } from '../../../../sinks/lake/columns/column-type.ts';
import { Heap } from '../../../../sinks/lake/columns/heap.ts';
import type { Duck } from '../../../../sinks/lake/parquet/duck.ts';
import type { ColumnType } from '../../../../src/core/table.ts';
import { openDuck } from '../delta.ts';

let duck: Duck;
before(async () => {
  duck = await openDuck();
});
after(() => duck.close());

const typed = (name: string, changed: Partial<ColumnType> = {}) =>
  lakeType({ oid: 1, name, modifier: -1, kind: 'b', category: 'S', builtIn: true, padded: false, ...changed });
const deltaOf = (name: string) => typed(name).delta;

/** What DuckDB makes of a value of this type: a list of one, or none where it has no place in the type. */
async function shown(name: string, text: string): Promise<string[]> {
  const type = typed(name);
  const heap = new Heap();
  const vector = type.vector(heap);
  const bytes = Buffer.from(text);
  heap.open(bytes);
  if (!vector.put(0, bytes, 0, bytes.length)) return [];
  let rows = 1;
  const fill = ({ chunk }: DuckDBDataChunk) => {
    duckdb.data_chunk_set_size(chunk, rows);
    heap.moveTo(duckdb.data_chunk_get_vector(chunk, 0));
    vector.moveTo(duckdb.data_chunk_get_vector(chunk, 1), rows);
    rows = 0;
  };
  const fields = [
    { name: 'heap', duck: BLOB },
    { name: 'value', duck: type.duck },
  ];
  const connection = await duck.connect();
  const reader = await duck.scans.with({ fields, fill }, (scanned) =>
    connection.runAndReadAll(`SELECT CAST(value AS VARCHAR) FROM ${scanned}`),
  );
  connection.closeSync();
  return reader.getRowsJson().map(([value]) => String(value));
}

const micros = (text: string) => {
  const bytes = Buffer.from(text);
  return BigInt(secondsOf(bytes, 0, bytes.length)) * 1_000_000n + BigInt(microsOf(bytes, 0, bytes.length));
};
const days = (text: string) => dateOf(Buffer.from(text), 0, text.length);

test('a type that Delta has stays what it is, and any other is a string', () => {
  const exact = {
    boolean: 'boolean',
    smallint: 'short',
    integer: 'integer',
    bigint: 'long',
    oid: 'long',
    real: 'float',
    'double precision': 'double',
    bytea: 'binary',
    date: 'date',
    'timestamp without time zone': 'timestamp_ntz',
    'timestamp(3) without time zone': 'timestamp_ntz',
    'timestamp with time zone': 'timestamp',
    'timestamp(0) with time zone': 'timestamp',
    'numeric(38,10)': 'decimal(38,10)',
    'numeric(5,0)': 'decimal(5,0)',
  };
  for (const [name, delta] of Object.entries(exact)) assert.equal(deltaOf(name), delta, name);
  const strings = ['text', 'character varying(40)', 'uuid', 'jsonb', 'time without time zone', 'interval', 'numeric'];
  const odd = ['numeric(39,0)', 'numeric(3,-2)', 'numeric(2,5)', 'money', 'inet', 'box[]', 'int4range', 'xid8'];
  for (const name of [...strings, ...odd]) assert.equal(deltaOf(name), 'string', name);
  assert.equal(typed('integer', { kind: 'd' }).delta, 'string');
  assert.equal(typed('public.integer', { builtIn: false }).delta, 'string');
});

test('an array of such a type is a list', () => {
  const list = (elementType: string) => ({ type: 'array', elementType, containsNull: true });
  assert.deepEqual(deltaOf('integer[]'), list('integer'));
  assert.deepEqual(deltaOf('numeric(10,2)[]'), list('decimal(10,2)'));
  assert.deepEqual(deltaOf('timestamp without time zone[]'), list('timestamp_ntz'));
  assert.deepEqual(deltaOf('character varying(40)[]'), list('string'));
  assert.deepEqual(deltaOf('uuid[]'), list('string'));
  assert.equal(deltaOf('jsonb[]'), 'string');
});

test('numbers come to the last digit, and what is none has no place', async () => {
  const exact: [string, string, string?][] = [
    ['bigint', '-9223372036854775808'],
    ['bigint', '9223372036854775807'],
    ['bigint', '9007199254740993'],
    ['bigint', '999999999999999'],
    ['bigint', '-1'],
    ['bigint', '0'],
    ['integer', '-2147483648'],
    ['smallint', '32767'],
    ['oid', '4294967295'],
    ['numeric(38,10)', '-9999999999999999999999999999.9999999999'],
    ['numeric(38,10)', '-0.0000000001'],
    ['numeric(38,10)', '7', '7.0000000000'],
    ['numeric(38,38)', '0.99999999999999999999999999999999999999', '.99999999999999999999999999999999999999'],
    ['numeric(18,4)', '-12345678901234.5678'],
    ['numeric(9,0)', '999999999'],
    ['numeric(4,4)', '-0.0001', '-.0001'],
    ['numeric(5,2)', '1.1', '1.10'],
    ['numeric(12,2)', '-9999999999.99'],
    ['real', '3.4028235e+38'],
    ['real', '1e-45'],
    ['double precision', '5e-324'],
    ['double precision', '0.30000000000000004'],
    ['double precision', '-0', '-0.0'],
    ['double precision', 'NaN', 'nan'],
    ['double precision', '-Infinity', '-inf'],
    ['boolean', 't', 'true'],
    ['boolean', 'f', 'false'],
    ['bytea', '\\x00ff', '\\x00\\xFF'],
    ['bytea', '\\x', ''],
    ['bytea', `\\x${'41'.repeat(20)}`, 'A'.repeat(20)],
  ];
  for (const [name, text, as = text] of exact) assert.deepEqual(await shown(name, text), [as], `${name} ${text}`);
  const strange: [string, ...string[]][] = [
    ['bigint', '9223372036854775808', '-9223372036854775809', '', '-', '1.0', '1e3', ' 1', '12345678901234567x'],
    ['smallint', '32768', '-32769'],
    ['integer', '1.5', '2147483648'],
    ['numeric(5,2)', 'NaN', 'Infinity', '-Infinity', '1000.00', '-1000.00', '0.001', '', '.', '1.2.3'],
    ['numeric(38,0)', '100000000000000000000000000000000000000'],
    ['double precision', 'abc', ''],
    ['boolean', 'true', ''],
    ['bytea', '\\xzz', '\\x0', '00', ''],
  ];
  for (const [name, ...texts] of strange) {
    for (const text of texts) assert.deepEqual(await shown(name, text), [], `${name} ${text}`);
  }
});

test('texts come as they are, on both sides of the length that DuckDB keeps in place', async () => {
  for (const text of [
    '',
    'a',
    'größe 🦆',
    'exactly twel',
    'exactly thirt',
    'x'.repeat(1_000_000),
    '\u{10FFFF}\u0001',
  ]) {
    assert.deepEqual(await shown('text', text), [text]);
  }
});

test('times come to the microsecond between the years 1 and 9999', async () => {
  assert.equal(micros('1970-01-01 00:00:00.000001+00'), 1n);
  assert.equal(micros('1969-12-31 23:59:59.999999'), -1n);
  assert.equal(micros('9999-12-31 23:59:59.999999'), 253_402_300_799_999_999n);
  assert.equal(micros('0001-01-01 00:00:00'), -62_135_596_800_000_000n);
  assert.equal(micros('2000-02-29 12:00:00.5+00'), 951_825_600_500_000n);
  for (const text of ['9999-12-31 23:59:59.999999', '0001-01-01 00:00:00', '1969-12-31 23:59:59.999999']) {
    assert.deepEqual(await shown('timestamp without time zone', text), [text]);
  }
  const strange = [
    'infinity',
    '-infinity',
    '0044-03-15 00:00:00 BC',
    '10000-01-01 00:00:00',
    '0000-01-01 00:00:00',
    '',
  ];
  for (const text of [
    ...strange,
    '2000-01-01',
    '2000-01-01 00:00:00+01',
    '2000-13-01 00:00:00',
    '2000-01-01 00:00:00.',
  ]) {
    assert.deepEqual(await shown('timestamp with time zone', text), [], text);
  }
  assert.equal(days('0099-03-01'), -683_309);
  assert.equal(days('1970-01-02'), 1);
  for (let day = 0; day < 3_652_059; day += 97) {
    const date = new Date((day - 719_162) * 86_400_000).toISOString().slice(0, 10);
    assert.equal(days(date), day - 719_162, date);
  }
  for (const text of ['5874897-12-31', 'infinity', '0044-03-15 BC']) assert.deepEqual(await shown('date', text), []);
  assert.equal(unixMicros(0n), 946_684_800_000_000n);
  assert.equal(dayOf(unixMicros(-1n)), '1999-12-31');
});

test('the elements of an array are read as Postgres writes them', async () => {
  assert.deepEqual(elementsOf('{}'), []);
  assert.deepEqual(elementsOf('{1,NULL,-3}'), ['1', null, '-3']);
  assert.deepEqual(elementsOf('{"NULL","a,b","c\\"d\\\\e","",f g}'), ['NULL', 'a,b', 'c"d\\e', '', 'f g']);
  for (const text of ['{{1,2},{3,4}}', '[0:1]={1,2}', '', 'x']) assert.equal(elementsOf(text), undefined, text);
  assert.deepEqual(await shown('integer[]', '{1,NULL}'), ['[1, NULL]']);
  assert.deepEqual(await shown('text[]', '{a,NULL,"more than twelve, bytes"}'), [
    "[a, NULL, 'more than twelve, bytes']",
  ]);
  assert.deepEqual(await shown('date[]', '{2000-01-01,infinity}'), []);
  assert.deepEqual(await shown('integer[]', '{{1},{2}}'), []);
});
