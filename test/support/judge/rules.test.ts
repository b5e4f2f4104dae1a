import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Decision } from './decisions.ts';
import { ruleOf } from './decisions.ts';
import { canonicalNumber, expectation, roundDecimal } from './rules.ts';

const KEY = Buffer.from('000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f', 'hex');
const redact = (decision: Decision, value: string | null) => expectation(ruleOf(decision), KEY)(value);

test('NULL stays NULL under every rule, unless the rule says otherwise, and an empty text is a value', () => {
  for (const decision of ['hash', 'mask', { constant: 'x' }, { truncate: 2 }, { round: 1 }] as const) {
    assert.equal(redact(decision, null), null);
  }
  assert.equal(redact({ constant: { value: 'x', nulls: false } }, null), 'x');
  assert.equal(redact({ constant: 'x' }, ''), 'x');
  assert.notEqual(redact('hash', ''), null);
});

test('a mask counts characters, not bytes, and covers a short value whole', () => {
  assert.equal(redact({ mask: { first: 1, last: 2 } }, 'a\u{1f600}bcd'), 'a**cd');
  assert.equal(redact({ mask: { first: 1, last: 2, with: '#' } }, 'abc'), '###');
  assert.equal(redact('mask', 'abc'), '***');
});

test('a hash depends on the class and has the length asked for', () => {
  // Computed with Python's hmac: HKDF-SHA256 of the key with empty salt and info `pgveil/1/hash`, then HMAC-SHA256 of the value.
  assert.equal(redact({ hash: { length: 64 } }, 'Zoë'), PYTHONS_HASH);
  assert.equal(redact('hash', 'Zoë'), PYTHONS_HASH.slice(0, 32));
  assert.notEqual(redact({ hash: { class: 'customer' } }, 'Zoë'), PYTHONS_HASH.slice(0, 32));
});

test('rounding is exact and goes away from zero at a half', () => {
  const cases = [
    ['2.5', 0, '3'],
    ['-2.5', 0, '-3'],
    ['0.125', 2, '0.13'],
    ['-0.04', 1, '0'],
    ['1250', -2, '1300'],
    ['49', -2, '0'],
    ['99999999999999999999.95', 1, '100000000000000000000'],
    ['NaN', 2, 'NaN'],
    ['Infinity', 0, 'Infinity'],
  ] as const;
  for (const [value, digits, rounded] of cases) assert.equal(roundDecimal(value, digits), rounded);
});

test('equal numbers have one canonical text', () => {
  assert.deepEqual(['1.10', '100', '0.00', '-0', '-1.0'].map(canonicalNumber), ['1.1', '100', '0', '0', '-1']);
});

const PYTHONS_HASH = '15ee28cf3a27f96e338f2b6c6e1b084f225027ca169a3f73f6db0ed5e7e17d85';
