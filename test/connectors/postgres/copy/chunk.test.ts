import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Chunk, halve } from '../../../../connectors/postgres/copy/chunk.ts';

const chunk = (from: number, to: number | null) => ({ leaf: {}, from, to }) as Chunk;
const halves = (from: number, to: number | null, blocks: number) =>
  halve(chunk(from, to), { blocks, bytes: blocks * 8192 }).map((half) => [half.from, half.to]);

test('a chunk that was given up is halved until it is one block, and the last one stays open', () => {
  assert.deepEqual(halves(10, 20, 100), [
    [10, 15],
    [15, 20],
  ]);
  assert.deepEqual(halves(0, null, 9), [
    [0, 4],
    [4, null],
  ]);
  assert.deepEqual(halves(4, 5, 9), [[4, 5]]);
  assert.deepEqual(halves(8, null, 9), [[8, null]]);
  assert.deepEqual(halves(0, null, 0), [[0, null]]);
});
