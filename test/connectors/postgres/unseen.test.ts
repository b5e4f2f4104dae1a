import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Leaf } from '../../../connectors/postgres/reading.ts';
import { unseenDifference } from '../../../connectors/postgres/unseen.ts';

const ROOT = 100;

const leaf = (oid: number, changed: Partial<Leaf> = {}): Leaf => ({
  oid,
  schema: 'public',
  relation: `leaf_${oid}`,
  relfilenode: oid,
  changedBy: 700,
  changedWithColumns: true,
  definition: '',
  bytes: 0,
  ...changed,
});

const NO_TRUNCATE = new Set<number>();

test('partitions that come, go or lie in another file stop their table', () => {
  const before = [leaf(1), leaf(2)];
  const reason = (now: Leaf[]) => unseenDifference(ROOT, before, now, NO_TRUNCATE);
  assert.equal(reason([leaf(2), leaf(1, { relation: 'renamed', changedBy: 701 })]), null);
  assert.equal(reason([leaf(1)]), 'the partition leaf_2 is gone');
  assert.equal(reason([leaf(1), leaf(2), leaf(3)]), 'the partition leaf_3 is new');
  assert.equal(
    reason([leaf(1), leaf(2, { relfilenode: 9, changedBy: 701 })]),
    'the partition leaf_2 was truncated or rewritten',
  );
});

test('a new file of a partition is explained by a truncate of the whole table, and by that one alone', () => {
  const now = [leaf(1, { relfilenode: 9, changedBy: 701 })];
  assert.equal(unseenDifference(ROOT, [leaf(1)], now, new Set([701])), null);
  assert.match(unseenDifference(ROOT, [leaf(1)], now, new Set([702]))!, /leaf_1/);
});

test('a new file of a table without partitions says nothing unless its columns changed with it', () => {
  const reason = (changed: Partial<Leaf>) => unseenDifference(1, [leaf(1)], [leaf(1, changed)], NO_TRUNCATE);
  assert.equal(reason({ relfilenode: 9, changedWithColumns: false }), null);
  assert.equal(reason({ relfilenode: 9 }), 'its values were rewritten');
});
