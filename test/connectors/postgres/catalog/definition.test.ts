import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Definition, differenceOf, judgeCatalog } from '../../../../connectors/postgres/catalog/definition.ts';
import type { TableReading } from '../../../../connectors/postgres/catalog/reading.ts';
import { type Column, shapeOf, type Table } from '../../../../src/core/table.ts';
import * as messages from '../messages.ts';

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
  type: { oid: type, name: 'text', modifier, kind: 'b', category: 'S', builtIn: true, padded: false },
  deterministic: true,
});

const read = (table: Table<'raw'>) =>
  ({ table, leaves: [], publishing: null, types: [], generated: [], problem: null }) as unknown as TableReading;

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
