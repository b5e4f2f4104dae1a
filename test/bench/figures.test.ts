import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inTurns, medians, percentile, type Side } from '../../bench/figures.ts';

test('a percentile lies between two values in proportion', () => {
  assert.equal(percentile([3, 1, 2], 0.5), 2);
  assert.equal(percentile([4, 1, 2, 3], 0.5), 2.5);
  assert.equal(percentile([10, 9, 100], 0.5), 10);
  assert.equal(percentile([0, 100], 0.99), 99);
  assert.equal(percentile([7], 0.99), 7);
});

test('medians are taken figure by figure, also of nested ones', () => {
  const runs = [
    { rate: 3, cpu: { process: 30 } },
    { rate: 1, cpu: { process: 10 } },
    { rate: 2, cpu: { process: 20 } },
  ];
  assert.deepEqual(medians(runs), { rate: 2, cpu: { process: 20 } });
});

test('what one run could not measure has no median', () => {
  assert.deepEqual(medians([{ cpu: null }, { cpu: { process: 10 } }]), { cpu: null });
});

test('both sides have a turn in every run, and who is first changes', async () => {
  const turns: Side[] = [];
  const turn = async (side: Side) => {
    turns.push(side);
    return { turn: turns.length };
  };
  const comparisons = [await inTurns(1, turn), await inTurns(2, turn)];
  assert.deepEqual(turns, ['ours', 'reference', 'reference', 'ours']);
  assert.deepEqual(comparisons, [
    { ours: { turn: 1 }, reference: { turn: 2 } },
    { ours: { turn: 4 }, reference: { turn: 3 } },
  ]);
});
