import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fieldNames, pathPart } from '../../../../sinks/lake/columns/field-name.ts';

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

test('a part of a path is encoded where a URL or a folder would take it for something else, and nowhere else', () => {
  for (const name of ['v1.2_x-y', 'Order Items', 'größe', '注文 🦆', "it's (a) b, c & d + e", '_pgveil_', '_op', 'T']) {
    assert.equal(pathPart(name), name);
  }
  assert.equal(pathPart('..'), '%2E%2E');
  assert.equal(pathPart('.a'), '%2Ea');
  assert.equal(pathPart(' a '), '%20a%20');
  assert.equal(pathPart('a/b\\c'), 'a%2Fb%5Cc');
  assert.equal(pathPart('a%2Fb'), 'a%252Fb');
  assert.equal(pathPart('x=1'), 'x%3D1');
  assert.equal(pathPart('a\u0001\u2028'), 'a%01%E2%80%A8');
  assert.equal(pathPart('_pgveil'), '%5Fpgveil');
  assert.equal(pathPart('_unfinished'), '%5Funfinished');
});
