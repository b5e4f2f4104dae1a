import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatLsn, parseLsn } from '../../../src/core/lsn.ts';

test('an LSN is read and written as Postgres writes it', () => {
  for (const text of ['0/0', '0/16B3748', '16/B374D848', 'FFFFFFFF/FFFFFFFF'])
    assert.equal(formatLsn(parseLsn(text)), text);
  assert.equal(parseLsn('1/0'), 1n << 32n);
});

test('what is no LSN is refused', () => {
  for (const text of ['', '0', '0/', '/0', '0/123456789', '0/G', '0/1 ', '0-1'])
    assert.throws(() => parseLsn(text), TypeError);
});
