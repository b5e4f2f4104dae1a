import type { Leaf } from './reading.ts';

/**
 * Why a table cannot go on although the stream said nothing of it; null where it can. `truncatedBy` are the transactions that
 * truncated it as a whole: of those the stream did tell.
 *
 * TRUNCATE, ATTACH, DETACH and DROP of a partition are not sent under the name of its root, and an ALTER … TYPE … USING that leaves the type
 * as it is sends nothing at all. Where a table is its own leaf a new file alone says nothing: VACUUM FULL and CLUSTER make one.
 */
export function unseenDifference(
  oid: number,
  before: readonly Leaf[],
  now: readonly Leaf[],
  truncatedBy: ReadonlySet<number>,
): string | null {
  const left = new Map(now.map((leaf) => [leaf.oid, leaf]));
  for (const leaf of before) {
    const same = left.get(leaf.oid);
    left.delete(leaf.oid);
    if (!same) return `the partition ${leaf.relation} is gone`;
    if (same.relfilenode === leaf.relfilenode) continue;
    if (same.oid === oid) {
      if (same.changedWithColumns) return 'its values were rewritten';
    } else if (!truncatedBy.has(same.changedBy)) return `the partition ${leaf.relation} was truncated or rewritten`;
  }
  for (const leaf of left.values()) return `the partition ${leaf.relation} is new`;
  return null;
}
