import assert from 'node:assert/strict';
import { test } from 'node:test';
import { differenceOfRelation } from '../../../../connectors/postgres/stream/relation.ts';
import * as messages from '../messages.ts';

const customer = messages.table(100, 'customer', ['id', 'ssn', 'note']);
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
