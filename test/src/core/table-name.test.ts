import assert from 'node:assert/strict';
import { test } from 'node:test';
import { canonicalTableName, formatTableName, isIdentifier, parseTableName } from '../../../src/core/table-name.ts';

const spellings: [text: string, schema: string, relation: string][] = [
  ['public.customer', 'public', 'customer'],
  ['_a1._', '_a1', '_'],
  ['public."Order Items"', 'public', 'Order Items'],
  ['"A.b"."c/d"', 'A.b', 'c/d'],
  ['public."say ""hi"""', 'public', 'say "hi"'],
  ['public."1st"', 'public', '1st'],
  ['public."😀"', 'public', '😀'],
  ['public.__proto__', 'public', '__proto__'],
  ['public.constructor', 'public', 'constructor'],
  ['public."größe"', 'public', 'größe'],
  ['public."a\nb"', 'public', 'a\nb'],
  [`public.${'x'.repeat(63)}`, 'public', 'x'.repeat(63)],
];

for (const [text, schema, relation] of spellings) {
  test(`${JSON.stringify(text)} is read, and written the same way again`, () => {
    assert.deepEqual(parseTableName(text), { schema, relation });
    assert.equal(formatTableName({ schema, relation }), text);
  });
}

test('quotes that are not needed name the same table', () => {
  assert.equal(canonicalTableName('"public"."customer"'), 'public.customer');
});

const refused = [
  ...['', 'customer', 'public.', '.customer', 'a.b.c', 'public.Customer', 'public.1st', 'public.a b', ' public.a'],
  ...['public."a', 'public.a"', 'public.""', '"".a', 'public."a"b"', 'public.größe', 'public.a\n', 'public."a\0b"'],
  ...[`public.${'x'.repeat(64)}`, `public."${'😀'.repeat(16)}"`],
];

for (const text of refused) {
  test(`${JSON.stringify(text)} is not the name of a table`, () => {
    assert.throws(() => parseTableName(text), TypeError);
    assert.equal(canonicalTableName(text), null);
  });
}

test('an identifier has 1 to 63 bytes, not characters', () => {
  assert.equal(isIdentifier('😀'.repeat(15)), true);
  assert.equal(isIdentifier('😀'.repeat(16)), false);
  assert.equal(isIdentifier(''), false);
  assert.equal(isIdentifier('a\0'), false);
});
