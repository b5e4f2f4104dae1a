import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseDuration, parseSize } from '../../config/units.ts';

test('sizes are powers of two, spelled as Postgres spells them', () => {
  assert.equal(parseSize('1B'), 1);
  assert.equal(parseSize('128kB'), 131_072);
  assert.equal(parseSize('256MB'), 268_435_456);
  assert.equal(parseSize('1 GB'), 1_073_741_824);
  assert.equal(parseSize('2TB'), 2_199_023_255_552);
});

test('durations are in milliseconds', () => {
  assert.equal(parseDuration('250ms'), 250);
  assert.equal(parseDuration('10s'), 10_000);
  assert.equal(parseDuration('5 minutes'), 300_000);
  assert.equal(parseDuration('1 hour'), 3_600_000);
  assert.equal(parseDuration('30 days'), 2_592_000_000);
});

test('anything else is neither', () => {
  const others = [
    '',
    '256',
    'MB',
    '1.5GB',
    '-1GB',
    '1  GB',
    '1 GB ',
    '1gb',
    '1KB',
    '9007199254740992kB',
    '1 constructor',
  ];
  for (const text of others) {
    assert.equal(parseSize(text), undefined, text);
    assert.equal(parseDuration(text), undefined, text);
  }
});
