import assert from 'node:assert/strict';
import { createHmac, hkdfSync } from 'node:crypto';
import { describe, test } from 'node:test';
import { inspect } from 'node:util';
import { deriveKeys } from '../../transforms/keys.ts';
import { KEY, OTHER_KEY } from './fixture.ts';

/** The contract's words, by the functions that Node has for them. */
function expected(semanticClass: string, value: string): string {
  const key = Buffer.from(hkdfSync('sha256', KEY.reveal(), '', `pgveil/1/${semanticClass}`, 32));
  return createHmac('sha256', key).update(value, 'utf8').digest('hex');
}

describe('the HMAC of a class', () => {
  const keys = deriveKeys(KEY);

  test('is a known one', () => {
    assert.equal(keys.hmac('hash')('Ada'), '74cf8b383e5bb2c6f74c65f4c2d63906753cd8f2900a5b98675d3cf9820eb6ed');
    assert.equal(keys.hmac('email')(''), '5e5882000aade742c29d1b4bc7fb89e0fda6c9c4dcad299ac39d0e9426dbef9c');
  });

  for (const value of [
    '',
    'a',
    'Ada Lovelace',
    'Zoë',
    '日本語',
    '💥',
    'tab\tnull\u0000',
    'x'.repeat(55),
    'x'.repeat(64),
  ]) {
    test(`is HMAC-SHA256 under the class's HKDF key: ${JSON.stringify(value.slice(0, 20))}, ${value.length} long`, () => {
      for (const name of ['hash', 'email', 'a class of one’s own'])
        assert.equal(keys.hmac(name)(value), expected(name, value));
    });
  }

  test('is exact at every length, also beyond the prepared buffer', () => {
    const hmac = keys.hmac('hash');
    for (const character of ['x', 'é', '€', '💥']) {
      for (const length of [1364, 1365, 1366, 2048, 4095, 4096, 4097, 200_000]) {
        const value = character.repeat(length);
        assert.equal(hmac(value), expected('hash', value), `${length} × ${character}`);
      }
    }
  });

  test('holds nothing over from the value before', () => {
    const hmac = keys.hmac('hash');
    hmac('a much longer value than the next one');
    assert.equal(hmac('b'), expected('hash', 'b'));
  });

  test('is one function object for each class', () => {
    assert.equal(keys.hmac('phone'), keys.hmac('phone'));
    assert.notEqual(keys.hmac('phone'), keys.hmac('email'));
  });
});

test('the fingerprint tells keys apart and is 16 hex digits of a class of its own', () => {
  assert.equal(deriveKeys(KEY).fingerprint, expected('fingerprint', '').slice(0, 16));
  assert.notEqual(deriveKeys(KEY).fingerprint, deriveKeys(OTHER_KEY).fingerprint);
});

test('the key is not to be seen in what was derived from it', () => {
  const shown = inspect(deriveKeys(KEY), { depth: 9, showHidden: true });
  assert.ok(!shown.includes(KEY.reveal().toString()) && !shown.includes(KEY.reveal().toString('hex')));
});
