import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Idle } from '../../../../connectors/postgres/stream/idle.ts';

const MB = 1024n * 1024n;

test('a position without changes is due when the server moved on, at most every 10 s', () => {
  const idle = new Idle(0n);
  assert.equal(idle.isDue(MB, 0), true);
  assert.equal(idle.isDue(2n * MB, 9_999), false);
  assert.equal(idle.isDue(2n * MB, 10_000), true);
});

test('what writing a position costs does not cause the next one', () => {
  const idle = new Idle(0n);
  assert.equal(idle.isDue(MB, 0), true);
  for (let now = 10_000; now < 3_600_000; now += 10_000) assert.equal(idle.isDue(MB + 20_000n, now), false);
});

test('positions that went out with changes count as written', () => {
  const idle = new Idle(0n);
  idle.passed(MB);
  assert.equal(idle.isDue(MB, 0), false);
  assert.equal(idle.isDue(MB + 100n, 0), false);
});

test('a position that somebody waits for is due at once, and only that one', () => {
  const idle = new Idle(MB);
  assert.equal(idle.isDue(MB + 10n, 0), false);
  idle.want(MB + 20n);
  assert.equal(idle.isWanted, true);
  assert.equal(idle.isDue(MB + 10n, 1), false);
  assert.equal(idle.isDue(MB + 24n, 2), true);
  assert.equal(idle.isWanted, false);
  assert.equal(idle.isDue(MB + 30n, 3), false);
});
