import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fit, generationName } from '../../../sinks/postgres/names.ts';

const TABLE = { schema: 'public', relation: 'customer', oid: 16385, generation: 3 };

test('a generation is named after pipeline, table, oid and number', () => {
  assert.equal(generationName('shop', TABLE), 'shop_public.customer_16385_g3');
});

test('a longer name keeps what is behind, within 63 bytes, and stays another one than its like', () => {
  const like = { ...TABLE, oid: 4294967295, generation: 2147483647 };
  const names = ['a', 'b'].map((relation) => generationName('ä'.repeat(40), { ...like, relation }));
  for (const name of names) {
    assert.ok(Buffer.byteLength(name) <= 63, name);
    assert.ok(name.endsWith('_4294967295_g2147483647'));
    assert.ok(!name.includes('\ufffd'), 'no half of a character');
  }
  assert.notEqual(names[0], names[1]);
});

test('63 bytes are taken as they are', () => {
  assert.equal(fit('x'.repeat(58), '_pkey'), `${'x'.repeat(58)}_pkey`);
  assert.equal(Buffer.byteLength(fit('x'.repeat(59), '_pkey')), 63);
});
