import type { TableEntry } from '../../../src/core/checkpoint.ts';
import type { Observe } from '../../../src/core/observer.ts';
import type { Marks } from './fingerprint.ts';
import type { Reading, ReadTable } from './reading.ts';

/** The catalog, behind what `mend` altered in the publication; and the marks that the tables of these entries have by that. */
export async function readMended(
  entries: ReadonlyMap<string, TableEntry>,
  read: () => Promise<Reading>,
  mend: () => Promise<boolean>,
  observe: Observe,
): Promise<{ readonly reading: Reading; readonly mended: ReadonlyMap<string, Marks> }> {
  const before = await read();
  if (!(await mend())) return { reading: before, mended: new Map() };
  observe({
    type: 'step',
    message: 'the publication of an older pgveil was updated: it sends generated columns as well',
  });
  const reading = await read();
  return { reading, mended: marksMended(entries, before, reading) };
}

/**
 * pgveil itself altered its publication between these two readings: it sends more than before, so nothing was missed, and the tables go
 * on. Not one whose publication was altered by somebody else before: that is a reason for a copy.
 */
function marksMended(
  entries: ReadonlyMap<string, TableEntry>,
  before: Reading,
  after: Reading,
): ReadonlyMap<string, Marks> {
  const mended = new Map<string, Marks>();
  for (const [name, { fingerprint }] of entries) {
    const [then, now] = [before.tables.get(name), after.tables.get(name)];
    if (!fingerprint || !then?.table || !now?.table) continue;
    const marks = marksOf(fingerprint as Marks, then, now);
    if (marks) mended.set(name, marks);
  }
  return mended;
}

function marksOf(marks: Marks, then: ReadTable, now: ReadTable): Marks | null {
  const { publishing } = marks;
  if (!publishing || !now.publishing || publishing.publication !== then.publishing?.publication) return null;
  const generated = then.generated.map(({ attnum }) => attnum);
  return { ...marks, publishing: { ...publishing, publication: now.publishing.publication }, generated };
}
