import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Decision } from '../../../../config/rules.ts';
import { reservedColumns } from '../../../../src/app/check/reserved.ts';
import type { Column, Table } from '../../../../src/core/table.ts';
import type { Target } from '../../../../src/core/target.ts';

const KEEP: Decision = { kind: 'keep' };
const targets = new Map([
  ['twin', { reserves: ({ name }) => name === 'pk' } as Target],
  ['lake', { reserves: ({ name, withheld }) => !withheld && name === '_op' } as Target],
]);

function reserved(columns: Readonly<Record<string, Decision | null>>): string[] {
  const table = {
    name: 'public.t',
    columns: Object.keys(columns).map((name) => ({ name }) as Column),
  } as unknown as Table<'raw'>;
  return reservedColumns(table, Object.values(columns), targets).map(({ code, message }) => `${code}: ${message}`);
}

test('each sink says which names of columns it needs for itself', () => {
  assert.deepEqual(reserved({ id: KEEP, pk: KEEP, _op: KEEP }), [
    'reserved_column: public.t has a column "pk", a name that sink twin needs for itself',
    'reserved_column: public.t has a column "_op", a name that sink lake needs for itself',
  ]);
});

test('a column that does not leave takes nobody’s name, and one that nobody decided on leaves for the twin alone', () => {
  assert.deepEqual(reserved({ pk: { kind: 'drop' }, _op: { kind: 'drop' } }), []);
  assert.deepEqual(reserved({ pk: null, _op: null }), [
    'reserved_column: public.t has a column "pk", a name that sink twin needs for itself',
  ]);
});
