import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { keyType, twinType } from '../../../sinks/postgres/column-type.ts';
import type { ColumnType } from '../../../src/core/table.ts';
import { sketchTable } from '../../support/batches.ts';

const NONE = new Map<string, string>();

function typeOf(type: string | Partial<ColumnType>, overrides: ReadonlyMap<string, string> = NONE): string {
  return twinType(sketchTable({ relation: 't', columns: { a: type }, key: ['a'] }).columns[0]!, overrides);
}

describe('the type of a column on the twin', () => {
  test('is the source’s where every Postgres has it, with its modifiers', () => {
    for (const name of ['bigint', 'numeric(10,2)', 'character varying(40)', 'timestamp(3) with time zone', 'text[]']) {
      assert.equal(typeOf(name), name);
    }
    assert.equal(typeOf({ name: 'int4range', kind: 'r' }), 'int4range');
    assert.equal(typeOf({ name: 'int4multirange', kind: 'm' }), 'int4multirange');
  });

  test('is text for enums, domains, composites and what an extension brings', () => {
    for (const kind of ['e', 'd', 'c', 'b', 'r'] as const) {
      assert.equal(typeOf({ name: 'public.thing', kind, builtIn: false }), 'text');
    }
  });

  test('is text for names of objects, which the twin need not have', () => {
    for (const name of ['regclass', 'regtype', 'regproc', 'regrole[]', 'aclitem[]']) assert.equal(typeOf(name), 'text');
  });

  test('is what the configuration says, for the type with or without its modifier', () => {
    const overrides = new Map([
      ['public.mood', 'character varying(10)'],
      ['numeric', 'double precision'],
      ['numeric(10,2)', 'money'],
    ]);
    assert.equal(typeOf({ name: 'public.mood', kind: 'e', builtIn: false }, overrides), 'character varying(10)');
    assert.equal(typeOf('numeric(5,1)', overrides), 'double precision');
    assert.equal(typeOf('numeric(10,2)', overrides), 'money');
  });
});

describe('the type of source_primary_key', () => {
  const keyOf = (type: string, key = ['a'], overrides = NONE) =>
    keyType(sketchTable({ relation: 't', columns: { a: type, b: 'text' }, key }), overrides);

  test('is that of one column where equal means equal text, and numeric', () => {
    const own = ['smallint', 'integer', 'bigint', 'uuid', 'text', 'character varying(40)', 'date', 'bytea', 'boolean'];
    const moments = ['timestamp without time zone', 'timestamp(3) with time zone'];
    for (const name of [...own, ...moments, 'numeric', 'numeric(10,2)']) assert.equal(keyOf(name), name);
  });

  test('is text otherwise', () => {
    const others = ['character(5)', 'double precision', 'interval', 'inet', 'integer[]', 'date[]', 'jsonb', '"char"'];
    for (const name of [...others, 'time without time zone', 'daterange', 'regclass'])
      assert.equal(keyOf(name), 'text');
  });

  test('is text for several columns, under a nondeterministic collation, and where the column has another type', () => {
    assert.equal(keyOf('integer', ['a', 'b']), 'text');
    assert.equal(keyOf('integer', ['a'], new Map([['integer', 'bigint']])), 'text');
    const table = sketchTable({ relation: 't', columns: { a: 'character varying(5)' }, key: ['a'] });
    const columns = table.columns.map((column) => ({ ...column, deterministic: false }));
    assert.equal(keyType({ ...table, columns }, NONE), 'text');
  });
});
