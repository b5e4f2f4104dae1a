import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fieldNames, pathPart } from '../../../sinks/lake/field-name.ts';

test('names that every reader takes stay as they are', () => {
  const names = ['id', 'Name', 'größe', '名前', '🦆', 'a-b', '__proto__', 'constructor', 'with"quote'];
  assert.deepEqual(fieldNames(names, ['_op']), names);
});

test('what Delta or Parquet refuses is encoded, and two names never become one', () => {
  const names = ['a b', 'a%20b', 'a.b', 'x,y;z', '{}()', 'tab\t', 'line\n', 'a=b', '`'];
  const encoded = fieldNames(names, []);
  assert.deepEqual(encoded.slice(0, 3), ['a%20b', 'a%2520b', 'a%2Eb']);
  assert.equal(new Set(encoded).size, names.length);
  for (const name of encoded) assert.match(name, /^[^\s,;{}()=.`]+$/);
});

test('of names that differ in case alone the capitals are encoded', () => {
  assert.deepEqual(fieldNames(['name', 'Name', 'NAME', 'other', 'Ä', 'ä'], []), [
    'name',
    '%4Eame',
    '%4E%41%4D%45',
    'other',
    '%C3%84',
    'ä',
  ]);
  assert.deepEqual(fieldNames(['_OP', '_Seq'], ['_op']), ['_%4F%50', '_Seq']);
});

test('a part of a path holds nothing that a URL or a folder takes for something else', () => {
  assert.equal(pathPart('Order Items'), 'Order%20Items');
  assert.equal(pathPart('..'), '%2E.');
  assert.equal(pathPart('a/b\\c'), 'a%2Fb%5Cc');
  assert.equal(pathPart('größe'), 'gr%C3%B6%C3%9Fe');
  assert.equal(pathPart('v1.2_x-y'), 'v1.2_x-y');
});
