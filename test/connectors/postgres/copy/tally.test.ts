import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Leaf } from '../../../../connectors/postgres/catalog/reading.ts';
import { Tally } from '../../../../connectors/postgres/copy/tally.ts';

const leaf = (oid: number, bytes: number) => ({ oid, bytes }) as Leaf;

test('a chunk under way counts, up to its share of the file', () => {
  const tally = new Tally([leaf(1, 900), leaf(2, 100)]);
  assert.deepEqual(tally.sums(), { rows: 0, bytes: 0, totalBytes: 1000 });
  tally.read(1, { rows: 2, bytes: 80, share: 300 });
  tally.read(1, { rows: 1, bytes: 40, share: 300 });
  assert.deepEqual(tally.sums(), { rows: 3, bytes: 120, totalBytes: 1000 });
  tally.read(1, { rows: 9, bytes: 400, share: 300 });
  assert.deepEqual(tally.sums(), { rows: 12, bytes: 300, totalBytes: 1000 });
});

test('a chunk that is finished counts whole, and one that is abandoned not at all', () => {
  const tally = new Tally([leaf(1, 600)]);
  tally.read(1, { rows: 2, bytes: 80, share: 300 });
  tally.read(2, { rows: 5, bytes: 90, share: 300 });
  tally.finished(1, 300);
  tally.abandoned(2);
  assert.deepEqual(tally.sums(), { rows: 2, bytes: 300, totalBytes: 600 });
  tally.finished(null, 300);
  assert.deepEqual(tally.sums(), { rows: 2, bytes: 600, totalBytes: 600 });
});

test('how much the rows of a chunk take of their file is learnt from those before', () => {
  const tally = new Tally([leaf(1, 1000)]);
  tally.read(1, { rows: 10, bytes: 100, share: 500 });
  tally.finished(1, 500);
  tally.read(2, { rows: 4, bytes: 40, share: 500 });
  assert.equal(tally.sums().bytes, 700);
});

test('a size that was guessed too small never makes more than all', () => {
  const tally = new Tally([leaf(1, 0)]);
  tally.read(1, { rows: 4, bytes: 40, share: 500 });
  assert.deepEqual(tally.sums(), { rows: 4, bytes: 40, totalBytes: 40 });
  tally.measured(1, 500);
  assert.equal(tally.sums().totalBytes, 500);
});

test('what is read is at its end, however much the files grew meanwhile', () => {
  const tally = new Tally([leaf(1, 600)]);
  tally.read(1, { rows: 2, bytes: 80, share: 300 });
  tally.finished(1, 300);
  tally.measured(1, 700);
  tally.read(2, { rows: 2, bytes: 80, share: 350 });
  tally.finished(2, 350);
  assert.deepEqual(tally.sums(), { rows: 4, bytes: 650, totalBytes: 700 });
  tally.ended();
  assert.deepEqual(tally.sums(), { rows: 4, bytes: 650, totalBytes: 650 });
});
