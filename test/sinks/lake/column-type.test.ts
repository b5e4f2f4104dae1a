import assert from 'node:assert/strict';
import { test } from 'node:test';
import { elementsOf } from '../../../sinks/lake/array-text.ts';
import { dateOf, dayOf, timestampOf, unixMicros } from '../../../sinks/lake/calendar.ts';
import { lakeType } from '../../../sinks/lake/column-type.ts';
import type { ColumnType } from '../../../src/core/table.ts';

const typed = (name: string, changed: Partial<ColumnType> = {}) =>
  lakeType({ oid: 1, name, modifier: -1, kind: 'b', category: 'S', builtIn: true, ...changed });
const deltaOf = (name: string) => typed(name).delta;
/** What the lake has instead, as text: `text` stands for "NULL, and its text in _text". */
const shown = (name: string, text: string) => String(typed(name).convert?.(text) ?? 'text');

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

test('numbers come to the last digit, and what is none has its text', () => {
  assert.equal(shown('bigint', '-9223372036854775808'), '-9223372036854775808');
  assert.equal(shown('bigint', '9223372036854775808'), 'text');
  assert.equal(shown('smallint', '32768'), 'text');
  assert.equal(shown('integer', '1.5'), 'text');
  assert.equal(shown('oid', '4294967295'), '4294967295');
  assert.equal(
    shown('numeric(38,10)', '-9999999999999999999999999999.9999999999'),
    '-9999999999999999999999999999.9999999999',
  );
  assert.equal(shown('numeric(38,10)', '-0.0000000001'), '-0.0000000001');
  assert.equal(shown('numeric(5,2)', '1.1'), '1.10');
  for (const text of ['NaN', 'Infinity', '1000.00', '0.001', '']) assert.equal(shown('numeric(5,2)', text), 'text');
  assert.equal(typed('double precision').convert!('NaN'), Number.NaN);
  assert.equal(typed('double precision').convert!('-Infinity'), Number.NEGATIVE_INFINITY);
  assert.equal(typed('double precision').convert!('5e-324'), 5e-324);
  assert.equal(shown('double precision', 'abc'), 'text');
  assert.equal(shown('boolean', 't'), 'true');
  assert.equal(typed('boolean').convert!('f'), false);
  assert.equal(shown('bytea', '\\xzz'), 'text');
});

test('times come to the microsecond between the years 1 and 9999', () => {
  assert.equal(timestampOf('1970-01-01 00:00:00.000001+00'), 1n);
  assert.equal(timestampOf('1969-12-31 23:59:59.999999'), -1n);
  assert.equal(timestampOf('9999-12-31 23:59:59.999999'), 253_402_300_799_999_999n);
  assert.equal(timestampOf('0001-01-01 00:00:00'), -62_135_596_800_000_000n);
  assert.equal(timestampOf('2000-02-29 12:00:00.5+00'), 951_825_600_500_000n);
  for (const text of ['infinity', '0044-03-15 00:00:00 BC', '10000-01-01 00:00:00', '0000-01-01 00:00:00', '']) {
    assert.equal(timestampOf(text), undefined, text);
  }
  assert.equal(dateOf('0099-03-01'), -683_309);
  assert.equal(dateOf('1970-01-02'), 1);
  assert.equal(dateOf('5874897-12-31'), undefined);
  assert.equal(unixMicros(0n), 946_684_800_000_000n);
  assert.equal(dayOf(unixMicros(-1n)), '1999-12-31');
});

test('the elements of an array are read as Postgres writes them', () => {
  assert.deepEqual(elementsOf('{}'), []);
  assert.deepEqual(elementsOf('{1,NULL,-3}'), ['1', null, '-3']);
  assert.deepEqual(elementsOf('{"NULL","a,b","c\\"d\\\\e","",f g}'), ['NULL', 'a,b', 'c"d\\e', '', 'f g']);
  for (const text of ['{{1,2},{3,4}}', '[0:1]={1,2}', '', 'x']) assert.equal(elementsOf(text), undefined, text);
  assert.equal(shown('integer[]', '{1,NULL}'), '[1, NULL]');
  assert.equal(shown('date[]', '{2000-01-01,infinity}'), 'text');
  assert.equal(shown('integer[]', '{{1},{2}}'), 'text');
});
