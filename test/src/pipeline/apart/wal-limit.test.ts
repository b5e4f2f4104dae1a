import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Lsn } from '../../../../src/core/lsn.ts';
import { whoHoldsBack } from '../../../../src/pipeline/apart/wal-limit.ts';

/** Of sinks called a, b, c at these positions, with a slot that stands at 100. */
function who(positions: readonly (Lsn | null)[], excess: number, may = 'abc'): string {
  const named = new Map(positions.map((pos, at) => ['abc'[at]!, pos]));
  return whoHoldsBack(named, 100n, excess, (sink) => may.includes(sink)).join('');
}

test('the slowest is let go of where the others are far enough ahead', () => {
  assert.equal(who([900n, 100n, 800n], 500), 'b');
  assert.equal(who([900n, null, 800n], 500), 'b');
});

test('as many as are needed, and no more', () => {
  assert.equal(who([900n, 100n, 120n], 500), 'bc');
  assert.equal(who([900n, 100n, 700n], 500), 'b');
});

test('nobody is where that would change nothing: all are as far, or something else keeps the WAL', () => {
  assert.equal(who([900n, 900n, 900n], 1), '');
  assert.equal(who([900n, 850n, 880n], 500), '');
  assert.equal(who([null, null], 500), '');
});

test('nobody is where one of them may hold it', () => {
  assert.equal(who([900n, 100n, 800n], 500, 'ac'), '');
  assert.equal(who([900n, 100n, 120n], 500, 'ab'), '');
});
