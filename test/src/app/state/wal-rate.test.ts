import assert from 'node:assert/strict';
import { test } from 'node:test';
import { WalRate } from '../../../../src/app/state/wal-rate.ts';

test('the rate is that between two looks, and unknown before', () => {
  const rate = new WalRate();
  assert.equal(rate.note(1000n, 0), null);
  assert.equal(rate.note(21_000n, 10_000), 2000);
});

test('a burst counts for a while, and a source that rests comes down to nothing', () => {
  const rate = new WalRate();
  rate.note(0n, 0);
  rate.note(100n, 10_000);
  const burst = rate.note(1_000_100n, 20_000)!;
  assert.ok(burst > 10_000 && burst < 50_000, `${burst} of 100,000 bytes a second in that time`);
  for (let at = 30_000; at <= 600_000; at += 10_000) rate.note(1_000_100n, at);
  assert.ok(rate.note(1_000_100n, 610_000)! < 1);
});

test('slots that are looked at together do not count as looks of their own', () => {
  const rate = new WalRate();
  rate.note(0n, 0);
  rate.note(1000n, 10_000);
  assert.equal(rate.note(1_000_000n, 10_001), 100);
});

test('an end that moved back is another server’s, of which nothing is known', () => {
  const rate = new WalRate();
  rate.note(5000n, 0);
  rate.note(6000n, 10_000);
  assert.equal(rate.note(100n, 20_000), null);
  assert.equal(rate.note(200n, 30_000), 10);
});
