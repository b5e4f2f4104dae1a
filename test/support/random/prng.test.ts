import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Random } from './prng.ts';

const draw = <T>(seed: number, what: (random: Random) => T) => {
  const random = new Random(seed);
  return Array.from({ length: 5_000 }, () => what(random));
};

test('the same seed gives the same run, a neighbouring one another', () => {
  const bits = (seed: number) => draw(seed, (random) => random.bits());
  assert.deepEqual(bits(7), bits(7));
  assert.ok(new Set([...bits(7), ...bits(8)]).size > 9_990);
});

test('numbers stay within their bounds, reach both, and spread evenly', () => {
  const rolls = draw(1, (random) => random.int(1, 6));
  for (let side = 1; side <= 6; side++) {
    const share = rolls.filter((roll) => roll === side).length / rolls.length;
    assert.ok(share > 0.14 && share < 0.19, `${side}: ${share}`);
  }
  assert.deepEqual([...new Set(rolls)].sort(), [1, 2, 3, 4, 5, 6]);
});

test('sizes reach from one end to the other, half of them below the geometric middle', () => {
  const sizes = draw(1, (random) => random.size(1, 500));
  assert.equal(Math.min(...sizes), 1);
  assert.ok(Math.max(...sizes) > 480 && Math.max(...sizes) <= 500);
  const small = sizes.filter((size) => size < 22).length / sizes.length;
  assert.ok(small > 0.45 && small < 0.55, `${small}`);
});

test('weights are kept', () => {
  const picked = draw(1, (random) => random.weighted({ often: 9, seldom: 1, never: 0 }));
  const share = picked.filter((choice) => choice === 'often').length / picked.length;
  assert.ok(share > 0.88 && share < 0.92);
  assert.ok(!picked.includes('never'));
});
