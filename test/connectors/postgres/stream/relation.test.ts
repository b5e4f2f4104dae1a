import assert from 'node:assert/strict';
import { test } from 'node:test';
import { columnsSent, differenceOfRelation, omittedOf } from '../../../../connectors/postgres/stream/relation.ts';
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

test('generated columns are told from the others by where they stand, and left out wherever that is', () => {
  const all = messages.table(100, 'customer', ['lower', 'id', 'upper', 'ssn', 'note', 'length']);
  const generated = all.columns.filter((_, i) => [0, 2, 5].includes(i));
  const own = { ...all, columns: all.columns.filter((column) => !generated.includes(column)), key: [0] };
  const widened = messages.relationOf({ ...all, key: [1] }) as typeof relation;
  const sent = columnsSent(own, generated, widened);
  assert.deepEqual(sent, all.columns);
  assert.equal(differenceOfRelation(own, widened, sent), null);
  assert.deepEqual(omittedOf(own, sent), [0, 2, 5]);
  const narrow = messages.relationOf(own) as typeof relation;
  assert.deepEqual(omittedOf(own, columnsSent(own, generated, narrow)), [], 'a publication that leaves them out');
  const without = { ...widened, columns: widened.columns.slice(1) };
  assert.equal(differenceOfRelation(own, without, columnsSent(own, generated, without)), 'it had other columns');
  const [lower, id, upper, ssn, note, length] = widened.columns;
  const swapped = { ...widened, columns: [lower!, id!, ssn!, upper!, note!, length!] };
  assert.equal(differenceOfRelation(own, swapped, columnsSent(own, generated, swapped)), 'it had other columns');
});
