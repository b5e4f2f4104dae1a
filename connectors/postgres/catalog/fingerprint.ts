import { isDeepStrictEqual } from 'node:util';
import type { Fingerprint } from '../../../src/core/checkpoint.ts';
import type { Leaf, Publishing, ReadTable, UsedType } from './reading.ts';

/** A fingerprint as this source makes it. It belongs to a position: what the stream told up to there is in it. */
export type Marks = {
  readonly publishing: Publishing | null;
  readonly leaves: readonly LeafMarks[];
  /** The last transaction that truncated the table as a whole, as the stream told; null where none did. */
  readonly truncatedBy: number | null;
  /** Absent from an entry of an older pgveil: what its types were then, nobody knows. */
  readonly types?: readonly TypeMarks[];
  /** attnums of its stored generated columns, which the stream may have. Absent from an entry of an older pgveil, whose publication sent none. */
  readonly generated?: readonly number[];
};

/** Without its name, which is in no value. */
type TypeMarks = Omit<UsedType, 'name'>;

/** Without its `changedBy`: a GRANT changes that, and is no reason to write an entry. */
type LeafMarks = Pick<Leaf, 'oid' | 'relation' | 'relfilenode' | 'columnsChangedBy' | 'toast' | 'attachedBy'>;

export function fingerprintOf(table: ReadTable, truncatedBy: number | null = null): Fingerprint & Marks {
  const types = table.types.map(({ name, ...marks }) => marks);
  const generated = table.generated.map(({ attnum }) => attnum);
  return { publishing: table.publishing, leaves: table.leaves.map(marksOf), truncatedBy, types, generated };
}

function marksOf({ oid, relation, relfilenode, columnsChangedBy, toast, attachedBy }: Leaf): LeafMarks {
  return { oid, relation, relfilenode, columnsChangedBy, toast, attachedBy };
}

/** Whether the stream told that this transaction truncated the table as a whole, or may still tell. */
export type IsTold = (xid: number) => boolean;

/** Before the stream has got to the reading: what a TRUNCATE would explain is not judged yet. */
export const MAY_BE_TOLD: IsTold = () => true;

/**
 * Why a table cannot go on although the stream says nothing of it; null where it can. TRUNCATE, ATTACH, DETACH and DROP of a partition are
 * not sent under the name of its root, an ALTER … TYPE … USING that leaves the type as it is sends nothing at all, and what
 * happens while the publication does not have the table is not sent later (docs/decisions/0009).
 */
export function unseenDifference(before: Marks, now: ReadTable, isTold: IsTold): string | null {
  return (
    differenceOfPublishing(before.publishing, now.publishing) ??
    differenceOfLeaves(before, now, isTold) ??
    differenceOfTypes(before.types ?? [], now.types)
  );
}

function differenceOfPublishing(before: Publishing | null, now: Publishing | null): string | null {
  if (isDeepStrictEqual(before, now)) return null;
  if (!now) return 'its publication is gone';
  if (now.publication !== before?.publication) return 'its publication was changed or created again';
  return now.byName === null && now.bySchema === null
    ? 'it was taken out of its publication'
    : 'it was taken out of its publication and put back';
}

/** A label renamed and an attribute gone change values that lie there already; a label more changes none. */
function differenceOfTypes(before: readonly TypeMarks[], now: readonly UsedType[]): string | null {
  const known = new Map(before.map((type) => [type.oid, type]));
  for (const { oid, name, labels, attributes } of now) {
    const then = known.get(oid);
    const isSame = !then || (then.attributes === attributes && then.labels.every((label) => labels.includes(label)));
    if (!isSame) return `its type ${name} was changed`;
  }
  return null;
}

function differenceOfLeaves(before: Marks, now: ReadTable, isTold: IsTold): string | null {
  const left = new Map(now.leaves.map((leaf) => [leaf.oid, leaf]));
  // A TRUNCATE of the whole table gives every leaf a new file: where one kept its own, there was none.
  const isWhole = before.leaves.every(({ oid, relfilenode }) => left.get(oid)?.relfilenode !== relfilenode);
  const isExplained: IsTold = (xid) => isWhole && isTold(xid);
  for (const leaf of before.leaves) {
    const same = left.get(leaf.oid);
    left.delete(leaf.oid);
    if (!same) return `the partition ${leaf.relation} is gone`;
    if (same.attachedBy !== leaf.attachedBy) return `the partition ${leaf.relation} was detached and attached again`;
    if (same.relfilenode === leaf.relfilenode) continue;
    const reason =
      same.oid === now.table.oid ? whyRewritten(leaf, same, now, isExplained) : whyLeafRewritten(same, isExplained);
    if (reason !== null) return reason;
  }
  for (const leaf of left.values()) return `the partition ${leaf.relation} is new`;
  return null;
}

/** Of a partition, which lies in a new file: what a TRUNCATE of it alone took away is not sent. */
function whyLeafRewritten({ relation, changedBy }: Leaf, isExplained: IsTold): string | null {
  return isExplained(changedBy) ? null : `the partition ${relation} was truncated or rewritten`;
}

/** Of a table without partitions, which lies in a new file: VACUUM FULL and CLUSTER make one, and change nothing. */
function whyRewritten(before: LeafMarks, now: Leaf, { publishing }: ReadTable, isExplained: IsTold) {
  const { changedBy, columnsChangedBy, toast } = now;
  if (isExplained(changedBy) && !columnsChangedBy.includes(changedBy)) return null;
  if (toast !== 0 && toast === before.toast) return null;
  if (columnsChangedBy.some((xid) => !before.columnsChangedBy.includes(xid))) return 'its values were rewritten';
  // Postgres refuses SET UNLOGGED for a table that a publication names, and for no other.
  return publishing?.byName === null ? 'it may have been unlogged for a while' : null;
}
