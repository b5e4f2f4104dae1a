import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RedactedBatch } from '../../../../src/core/batch.ts';
import { Unwritten } from '../../../../src/pipeline/session/unwritten.ts';

const batch = () => ({ events: [], changes: [] }) as unknown as RedactedBatch;

function prepare() {
  const done: RedactedBatch[] = [];
  return { done, unwritten: new Unwritten((one) => void done.push(one)) };
}

test('a batch is told of when the last sink has it, or the last that has not leaves', () => {
  const { done, unwritten } = prepare();
  const [one, other] = [batch(), batch()];
  unwritten.pushed(one, ['twin', 'lake']);
  unwritten.pushed(other, ['twin', 'lake']);
  unwritten.written(one, 'twin');
  unwritten.written(other, 'twin');
  assert.deepEqual(done, []);
  unwritten.written(one, 'lake');
  assert.deepEqual(done, [one]);
  unwritten.leave('lake');
  assert.deepEqual(done, [one, other]);
});

test('a batch that a sink refused is never told of', () => {
  const { done, unwritten } = prepare();
  const one = batch();
  unwritten.pushed(one, ['twin', 'lake']);
  unwritten.forget(one);
  unwritten.written(one, 'lake');
  unwritten.leave('twin');
  assert.deepEqual(done, []);
});
