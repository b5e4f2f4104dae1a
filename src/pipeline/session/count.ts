import type { RedactedBatch } from '../../core/batch.ts';
import type { Observe } from '../../core/observer.ts';

/** Tells how many changes of each table every sink was given. By runs of one table: a look-up for each would be seen in the profile. */
export function countChanges({ chunk, changes }: RedactedBatch, observe: Observe): void {
  if (chunk) return;
  const rows = new Map<string, number>();
  let start = 0;
  for (let end = 1; end <= changes.length; end++) {
    const { table } = changes[start]!;
    if (changes[end]?.table === table) continue;
    rows.set(table.name, (rows.get(table.name) ?? 0) + end - start);
    start = end;
  }
  for (const [table, count] of rows) observe({ type: 'changes', table, rows: count });
}
