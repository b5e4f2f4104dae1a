import type { TableEvent } from '../../src/core/batch.ts';
import type { TableEntry } from '../../src/core/checkpoint.ts';
import type { Lsn } from '../../src/core/lsn.ts';
import { shapeOf, type Table } from '../../src/core/table.ts';
import { type Bound, judgeCatalog } from './definition.ts';
import type { Reading, TableReading } from './reading.ts';

/** A table that streams: what it was copied under, and the definition its rows are read by. */
export interface Streaming {
  readonly bound: Bound;
  readonly table: Table<'raw'>;
}

/** What a stream knows of tables when it begins. */
export interface Streams {
  readonly streaming: ReadonlyMap<string, Streaming>;
  /** The name that each oid was copied under, whether it streams or not. */
  readonly boundTo: ReadonlyMap<number, string>;
  readonly reading: Reading;
}

/** What a stream begins with, and what has to be said of tables before any row. */
export interface Outset extends Streams {
  readonly events: readonly TableEvent<'raw'>[];
}

/**
 * After a restart: the tables that streamed go on unless their definition changed in the meantime. Rows from before that change
 * may still come, but nobody could tell where it lies: the table stops where the stream begins.
 */
export function resume(entries: ReadonlyMap<string, TableEntry>, reading: Reading, since: Lsn): Outset {
  const boundTo = new Map([...entries].map(([name, { oid }]) => [oid, name]));
  const streaming = new Map<string, Streaming>();
  const events: TableEvent<'raw'>[] = [];
  for (const [name, now] of reading.tables) {
    const entry = entries.get(name);
    if (entry?.state.state !== 'streaming') continue;
    const { oid, shape, generation } = entry;
    const bound = { name, oid, shape };
    const state = judgeCatalog(bound, now, since, boundTo);
    if (state) events.push({ type: 'stopped', name, oid, state });
    else {
      const table = definitionOf(now);
      streaming.set(name, { bound, table });
      events.push({ type: 'defined', table, generation });
    }
  }
  return { streaming, boundTo, reading, events };
}

/** After the first copy: the tables that were copied, each defined already, unless their definition changed during the copy. */
export function afterCopy(tables: Iterable<Table<'raw'>>, reading: Reading, since: Lsn): Outset {
  const copied = [...tables];
  const boundTo = new Map(copied.map(({ oid, name }) => [oid, name]));
  const streaming = new Map<string, Streaming>();
  const events: TableEvent<'raw'>[] = [];
  for (const table of copied) {
    const bound = { name: table.name, oid: table.oid, shape: shapeOf(table) };
    const state = judgeCatalog(bound, reading.tables.get(table.name)!, since, boundTo);
    if (state) events.push({ type: 'stopped', name: table.name, oid: table.oid, state });
    else streaming.set(table.name, { bound, table });
  }
  return { streaming, boundTo, reading, events };
}

/** A reading that was judged to be the same has no problem. */
function definitionOf(reading: TableReading): Table<'raw'> {
  if (!reading.table) throw new TypeError('a table with a problem does not stream');
  return reading.table;
}
