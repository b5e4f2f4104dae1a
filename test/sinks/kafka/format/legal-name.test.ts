import assert from 'node:assert/strict';
import { test } from 'node:test';
import { legalName } from '../../../../sinks/kafka/format/legal-name.ts';

test('a name that Avro takes stays what it is', () => {
  for (const name of ['id', 'Order_Items', '_x', '_xyz', '__op', 'a_x4', '_X20']) assert.equal(legalName(name), name);
});

test('any other becomes one that Avro takes, and never that of another', () => {
  const names = [
    'Order Items',
    'Order_x20Items',
    'Order_x5fx20Items',
    '1st',
    '_x31st',
    'é',
    '_xc3_xa9',
    '😀',
    'a.b',
    'a-b',
    '_x_xc3',
    '_x5f',
  ];
  const legal = names.map(legalName);
  for (const name of legal) assert.match(name, /^[A-Za-z_][A-Za-z0-9_]*$/);
  assert.equal(new Set(legal).size, names.length);
  assert.deepEqual(legal.slice(0, 2), ['Order_x20Items', 'Order_x5fx20Items']);
});
