import assert from 'node:assert/strict';
import { test } from 'node:test';
import { unsentColumns } from '../../../sinks/kafka/unsent.ts';
import { sketchTable } from '../../support/batches.ts';

const columns = {
  id: 'text',
  number: 'bigint',
  price: 'numeric(12,2)',
  at: 'timestamp(3) with time zone',
  span: 'interval day to second(3)',
  mood: { name: 'public.mood', kind: 'e', builtIn: false },
  exact: 'numeric',
  note: 'text',
  tags: 'integer[]',
  spans: 'interval[]',
  place: { name: 'public.place', kind: 'c', builtIn: false },
  body: 'jsonb',
} as const;
const table = sketchTable({ relation: 'thing', columns, key: ['id'] });

test('values of a fixed length and small numerics are always sent, and so are keys; all else may not be', () => {
  assert.deepEqual(unsentColumns(table), ['exact', 'note', 'tags', 'spans', 'place', 'body']);
});

test('under REPLICA IDENTITY FULL the row before has them', () => {
  assert.deepEqual(unsentColumns({ ...table, identity: 'full' }), []);
});

test('a column that is NULL in every row needs none', () => {
  const nulled = table.columns.map((column) => ({ ...column, isNull: column.name !== 'note' }));
  assert.deepEqual(unsentColumns({ ...table, columns: nulled }), ['note']);
});
