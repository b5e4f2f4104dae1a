import type { TableEvent } from '../../../src/core/batch.ts';
import type { TableEntry } from '../../../src/core/checkpoint.ts';
import type { Lsn } from '../../../src/core/lsn.ts';
import type { Observe } from '../../../src/core/observer.ts';
import type { Rules } from '../../../src/core/source.ts';
import { shapeOf, type Table } from '../../../src/core/table.ts';
import { type Definition, judgeCatalog, stale } from '../catalog/definition.ts';
import { fingerprintOf, MAY_BE_TOLD, type Marks } from '../catalog/fingerprint.ts';
import type { Reading, ReadTable } from '../catalog/reading.ts';
import { stopTable } from '../catalog/stop.ts';

/** A table that streams: what it was copied under, and the definition its rows are read by. */
export interface Streaming {
  readonly copied: Definition;
  readonly table: Table<'raw'>;
}

/** What a stream knows of tables when it begins. */
export interface Streams {
  readonly streaming: ReadonlyMap<string, Streaming>;
  /** The name that each oid was copied under, whether it streams or not. */
  readonly copiedAs: ReadonlyMap<number, string>;
  readonly reading: Reading;
}

/** What a stream begins with, and what has to be said of tables before any row. */
export interface Outset extends Streams {
  readonly events: readonly TableEvent<'raw'>[];
}

/**
 * After a restart: the tables that streamed go on unless their definition changed in the meantime. Rows from before that change
 * may still come, but nobody could tell where it lies: the table stops where the stream begins. `mended` are marks that take the place of
 * those in the entries.
 */
export function resume(
  entries: ReadonlyMap<string, TableEntry>,
  reading: Reading,
  since: Lsn,
  rules: Rules,
  observe: Observe,
  mended: ReadonlyMap<string, Marks> = new Map(),
): Outset {
  const copiedAs = new Map([...entries].sort(streamingLast).map(([name, { oid }]) => [oid, name]));
  const streaming = new Map<string, Streaming>();
  const events: TableEvent<'raw'>[] = [];
  for (const [name, now] of reading.tables) {
    const entry = entries.get(name);
    if (entry?.state.state !== 'streaming') continue;
    const marks = mended.get(name) ?? (entry.fingerprint as Marks);
    const copied = { name, oid: entry.oid, shape: entry.shape, marks };
    const changed = now.table && !rules.isAsCopied(now.table);
    const stop =
      judgeCatalog(copied, now, since, copiedAs, MAY_BE_TOLD) ??
      (changed ? stale(name, since, 'its rules changed', now.table) : null);
    if (stop) events.push(stopTable(copied, stop, observe));
    else if (now.table) {
      streaming.set(name, { copied, table: now.table });
      events.push({ type: 'defined', table: now.table, generation: entry.generation });
      if (mended.has(name)) events.push({ type: 'noted', table: now.table, fingerprint: marks });
    }
  }
  return { streaming, copiedAs, reading, events };
}

/** Two names know one oid when tables swapped theirs and one of them was approved: the one that streams is the one whose rows come. */
function streamingLast([, one]: [string, TableEntry], [, other]: [string, TableEntry]): number {
  return Number(one.state.state === 'streaming') - Number(other.state.state === 'streaming');
}

/** After a copy, the first or one beside the stream: the tables that were copied, each defined already, unless their definition changed during the copy. */
export function afterCopy(tables: readonly ReadTable[], reading: Reading, since: Lsn, observe: Observe): Outset {
  const copiedAs = new Map(tables.map(({ table }) => [table.oid, table.name]));
  const streaming = new Map<string, Streaming>();
  const events: TableEvent<'raw'>[] = [];
  for (const read of tables) {
    const { table } = read;
    const { name, oid } = table;
    const copied = { name, oid, shape: shapeOf(table), marks: fingerprintOf(read) };
    const stop = judgeCatalog(copied, reading.tables.get(name)!, since, copiedAs, MAY_BE_TOLD);
    if (stop) events.push(stopTable(copied, stop, observe));
    else streaming.set(name, { copied, table });
  }
  return { streaming, copiedAs, reading, events };
}
