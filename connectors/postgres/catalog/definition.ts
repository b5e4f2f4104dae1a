import { ERRORS } from '../../../src/core/errors.ts';
import type { Lsn } from '../../../src/core/lsn.ts';
import { type Shape, shapeOf, type Table } from '../../../src/core/table.ts';
import { type IsTold, type Marks, unseenDifference } from './fingerprint.ts';
import type { Problem, TableReading } from './reading.ts';
import type { Stop } from './stop.ts';

/** What a table was copied under, and its marks since: rows of any other definition are not read as if they were of this one. */
export interface Definition {
  readonly name: string;
  readonly oid: number;
  readonly shape: Shape;
  readonly marks: Marks;
}

/**
 * What becomes of a table by what the catalog says now; null where it is still the one that was copied, with all that changed in it told.
 * `since` is where its changes stop. `copiedAs` gives the name that an oid was copied under.
 */
export function judgeCatalog(
  copied: Definition,
  now: TableReading,
  since: Lsn,
  copiedAs: ReadonlyMap<number, string>,
  isTold: IsTold,
): Stop | null {
  if (now.problem) return haltFor(now.problem);
  if (now.table.oid !== copied.oid) {
    const other = copiedAs.get(now.table.oid);
    if (other !== undefined) return namesMoved(copied.name, `${other} has taken its name`, now.table);
    return stale(copied.name, since, 'another table stands under its name', now.table);
  }
  const difference = differenceOf(copied.shape, shapeOf(now.table));
  if (difference !== null) return stale(copied.name, since, difference, now.table);
  const unseen = unseenDifference(copied.marks, now, isTold);
  return unseen === null ? null : stale(copied.name, since, unseen);
}

/** What keeps a table from being read. A key that the configuration names was there at the start: it is the table that has none any more. */
export function haltFor({ code: found, message, fix }: Problem): Stop {
  const code = found === 'unknown_key' ? 'no_key' : found;
  return { state: { state: 'halted', code }, message, fix, definition: null };
}

/** Its changes are left out from `since` on, since their definition is another one. */
export function stale(name: string, since: Lsn, reason: string, definition: Table<'raw'> | null = null): Stop {
  const message = `${name}: ${reason}; what the sinks have of it stays as it was`;
  return { state: { state: 'stale', since, reason }, message, fix: ERRORS.stale.fix, definition };
}

/** Decisions are made by name, and the name stands for other data now. */
export function namesMoved(name: string, how: string, definition: Table<'raw'> | null = null): Stop {
  const message = `${name}: ${how}; its decisions would be applied to other data`;
  return { state: { state: 'halted', code: 'names_moved' }, message, fix: ERRORS.names_moved.fix, definition };
}

/** In words, by names of columns; null where the shapes are equal. */
export function differenceOf(before: Shape, now: Shape): string | null {
  const differences: string[] = [];
  const left = new Map(now.columns.map((column) => [column.attnum, column]));
  for (const column of before.columns) {
    const same = left.get(column.attnum);
    left.delete(column.attnum);
    if (!same) differences.push(`column ${column.name} is gone`);
    else if (same.name !== column.name) differences.push(`column ${column.name} is called ${same.name}`);
    else if (same.type !== column.type || same.modifier !== column.modifier) {
      differences.push(`column ${column.name} has another type`);
    }
  }
  for (const column of left.values()) differences.push(`column ${column.name} is new`);
  if (before.key.join() !== now.key.join()) differences.push('it has another key');
  if (before.identity !== now.identity) differences.push('it has another replica identity');
  return differences.length === 0 ? null : differences.join(', ');
}
