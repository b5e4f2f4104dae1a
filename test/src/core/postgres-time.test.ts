import assert from 'node:assert/strict';
import { test } from 'node:test';
import { postgresMicros, unixMs } from '../../../src/core/postgres-time.ts';

test('Postgres counts microseconds since 2000', () => {
  assert.equal(unixMs(0n), Date.parse('2000-01-01T00:00:00Z'));
  assert.equal(unixMs(1_001_999n), Date.parse('2000-01-01T00:00:01.001Z'));
  const now = Date.parse('2026-11-22T12:13:14.567Z');
  assert.equal(unixMs(postgresMicros(now)), now);
});
