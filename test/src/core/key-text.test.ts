import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { KeyText } from '../../../src/core/key-text.ts';
import { type Row, sketchTable, tuple, UNCHANGED } from '../../support/batches.ts';

function keyOf(columns: Record<string, string>, key: string[], row: Row, byValue = false): KeyText {
  const text = new KeyText(sketchTable({ relation: 't', columns, key }), byValue);
  text.read(tuple(row));
  return text;
}

describe('the text of source_primary_key', () => {
  test('one column: the value as it is', () => {
    assert.equal(String(keyOf({ a: 'text', b: 'text' }, ['b'], ['x', '"ü"\t'])), '"ü"\t');
  });

  test('several columns: a JSON array in the index’s order, without spaces', () => {
    const columns = { a: 'text', b: 'integer', c: 'text' };
    assert.equal(String(keyOf(columns, ['b', 'a'], ['x', '1', 'rest'])), '["1","x"]');
  });

  test('is what JSON.stringify writes, whatever the values hold', () => {
    const values = ['', ' ', '"', '\\', '\u0001\b\f\n\r\t\u001f\u007f', '😀\u2028ü', '\\N', '["1"]'];
    for (const value of values) {
      const text = String(keyOf({ a: 'text', b: 'text' }, ['a', 'b'], [value, 'end']));
      assert.equal(text, JSON.stringify([value, 'end']));
    }
  });

  test('what is unchanged comes from the older image; without one it is not known', () => {
    const text = new KeyText(sketchTable({ relation: 't', columns: { a: 'text', b: 'text' }, key: ['a', 'b'] }), false);
    assert.equal(text.read(tuple([UNCHANGED, '2']), tuple(['long', '1'])), true);
    assert.equal(String(text), '["long","2"]');
    assert.ok(text.isKnown);
    text.read(tuple([UNCHANGED, '2']));
    assert.ok(!text.isKnown);
  });

  test('is found as it is read, in whatever column the last of it stands', () => {
    const columns = { a: 'text', b: 'text', c: 'text', d: 'text' };
    for (const key of [['a'], ['d'], ['c', 'a'], ['b', 'd']]) {
      const [read, found] = [0, 1].map(() => new KeyText(sketchTable({ relation: 't', columns, key }), false));
      const [image, older] = [tuple(['1', UNCHANGED, '3', null]), tuple(['one', 'two', 'three', 'four'])];
      read!.read(image, older);
      found!.find(image, older);
      assert.deepEqual([String(found), found!.isKnown], [String(read), read!.isKnown]);
      found!.find(tuple(['', '2', '', '4']));
      assert.ok(found!.isKnown);
    }
  });
});

describe('a key’s identity', () => {
  test('numeric keys are equal by value', () => {
    const identity = (value: string) => keyOf({ a: 'numeric' }, ['a'], [value], true).identity;
    for (const [one, other] of [
      ['1', '1.00'],
      ['100', '100.0'],
      ['0', '0.00000'],
      ['-1.5', '-1.500'],
    ] as const) {
      assert.equal(identity(one), identity(other));
    }
    assert.equal(new Set(['1', '10', '100', '1.01', '0.1', '-1', 'NaN', 'Infinity'].map(identity)).size, 8);
  });

  test('all others are equal by their bytes', () => {
    const identity = (value: string) => keyOf({ a: 'text' }, ['a'], [value]).identity;
    assert.equal(new Set(['1', '1.0', 'é', 'e\u0301', 'Ã©', 'A', 'a'].map(identity)).size, 7);
  });
});
