import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type Definition,
  differenceOf,
  differenceOfRelation,
  judgeCatalog,
} from '../../../connectors/postgres/definition.ts';
import type { TableReading } from '../../../connectors/postgres/reading.ts';
import { type Column, shapeOf, type Table } from '../../../src/core/table.ts';
import * as messages from './messages.ts';

const customer = messages.table(100, 'customer', ['id', 'ssn', 'note']);
const copied: Definition = {
  name: customer.name,
  oid: customer.oid,
  shape: shapeOf(customer),
  marks: { publishing: null, leaves: [], truncatedBy: null },
};
const isTold = () => false;
const copiedAs = new Map([
  [100, 'public.customer'],
  [200, 'public.other'],
]);

const column = (attnum: number, name: string, type = 25, modifier = -1): Column => ({
  attnum,
  name,
  type: { oid: type, name: 'text', modifier, kind: 'b', category: 'S', builtIn: true },
  deterministic: true,
});

const read = (table: Table<'raw'>) =>
  ({ table, leaves: [], publishing: null, types: [], problem: null }) as unknown as TableReading;

/** What becomes of the table when the catalog has these columns. */
function judge(columns: readonly Column[], others: Partial<Table<'raw'>> = {}) {
  return judgeCatalog(copied, read({ ...customer, columns, ...others }), 77n, copiedAs, isTold)?.state ?? null;
}

const stale = (reason: string) => ({ state: 'stale', since: 77n, reason });
const halted = (code: string) => ({ state: 'halted', code });
const [id, ssn, note] = [column(1, 'id'), column(2, 'ssn'), column(3, 'note')];

test('the same definition goes on, whatever else the reading says', () => {
  assert.equal(judge([id, ssn, note]), null);
  assert.equal(judge([id, { ...ssn, deterministic: false }, note], { indexes: [] }), null);
});

test('a dropped, an added, a renamed and a retyped column each make the table stale and say so', () => {
  assert.deepEqual(judge([id, ssn]), stale('column note is gone'));
  assert.deepEqual(judge([id, ssn, note, column(4, 'more')]), stale('column more is new'));
  assert.deepEqual(judge([id, ssn, column(3, 'remark')]), stale('column note is called remark'));
  assert.deepEqual(judge([id, column(2, 'ssn', 20), note]), stale('column ssn has another type'));
  assert.deepEqual(judge([id, column(2, 'ssn', 25, 44), note]), stale('column ssn has another type'));
});

test('a column dropped and made again under its name is another column', () => {
  assert.deepEqual(judge([id, ssn, column(4, 'note')]), stale('column note is gone, column note is new'));
});

test('DROP note, RENAME ssn TO note, ADD ssn: stale, although RELATION could not tell', () => {
  const now = [id, column(2, 'note'), column(4, 'ssn')];
  assert.deepEqual(judge(now), stale('column ssn is called note, column note is gone, column ssn is new'));
  const relation = messages.relationOf({ ...customer, columns: [id, column(2, 'ssn'), column(3, 'note')] });
  const after = messages.relationOf({ ...customer, columns: [id, column(4, 'ssn'), column(2, 'note')] });
  assert.ok(messages.relation(relation).equals(messages.relation(after)));
});

test('another definition goes along with what is said of it: whether decisions still fit it, the source cannot know', () => {
  const swapped = { ...customer, columns: [id, column(2, 'note'), column(3, 'ssn')] };
  assert.equal(judgeCatalog(copied, read(swapped), 77n, copiedAs, isTold)?.definition, swapped);
  const anew = { ...customer, oid: 300 };
  assert.equal(judgeCatalog(copied, read(anew), 77n, copiedAs, isTold)?.definition, anew);
});

test('another key or another replica identity makes the table stale', () => {
  assert.deepEqual(judge([id, ssn, note], { key: [1] }), stale('it has another key'));
  assert.deepEqual(judge([id, ssn, note], { key: [0, 1] }), stale('it has another key'));
  assert.deepEqual(judge([id, ssn, note], { identity: 'full' }), stale('it has another replica identity'));
});

test('another table under the name is stale; one that was copied under another name is names that moved', () => {
  assert.deepEqual(judge([id, ssn, note], { oid: 300 }), stale('another table stands under its name'));
  assert.deepEqual(judge([id, ssn, note], { oid: 200 }), halted('names_moved'));
});

test('a table that is gone, has no key any more or cannot be read halts with that code', () => {
  for (const code of ['table_missing', 'no_key', 'table_unreadable'] as const) {
    const problem = { oid: 0, code, message: '', fix: '' };
    assert.deepEqual(
      judgeCatalog(copied, { table: null, leaves: [], problem }, 77n, copiedAs, isTold)?.state,
      halted(code),
    );
  }
});

test('shapes that are equal have no difference, in whatever objects they are', () => {
  assert.equal(differenceOf(copied.shape, JSON.parse(JSON.stringify(copied.shape))), null);
});

const relation = messages.relationOf(customer) as Parameters<typeof differenceOfRelation>[1];

test('a RELATION that says what the table says has no difference', () => {
  assert.equal(differenceOfRelation(customer, relation), null);
  const full = { ...customer, identity: 'full' } as const;
  assert.equal(differenceOfRelation(full, messages.relationOf(full) as typeof relation), null);
  // The key of `tables.X.key` is a part of the replica identity; the rest of that is flagged as well.
  const wider = relation.columns.map((column, i) => ({ ...column, key: i < 2 }));
  assert.equal(differenceOfRelation(customer, { ...relation, columns: wider }), null);
});

test('a RELATION with other columns is different: added and dropped since, renamed and back, retyped', () => {
  const [first, ...rest] = relation.columns;
  const others = [
    [first!, ...rest, { name: 'more', type: 25, modifier: -1, key: false }],
    [first!, rest[0]!],
    [first!, rest[1]!, rest[0]!],
    [first!, { ...rest[0]!, name: 'SSN' }, rest[1]!],
    [first!, { ...rest[0]!, type: 20 }, rest[1]!],
    [first!, { ...rest[0]!, modifier: 44 }, rest[1]!],
  ];
  for (const columns of others) {
    assert.equal(differenceOfRelation(customer, { ...relation, columns }), 'it had other columns');
  }
});

test('a RELATION with another name, key or replica identity is different', () => {
  assert.equal(differenceOfRelation(customer, { ...relation, schema: 'old' }), 'it had another name');
  assert.equal(differenceOfRelation(customer, { ...relation, relation: 'old' }), 'it had another name');
  for (const identity of ['i', 'f', 'n'] as const) {
    assert.equal(differenceOfRelation(customer, { ...relation, identity }), 'it had another replica identity');
  }
  const columns = relation.columns.map((column, i) => ({ ...column, key: i === 1 }));
  assert.equal(differenceOfRelation(customer, { ...relation, columns }), 'it had another key');
});
