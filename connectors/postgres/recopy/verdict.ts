import { isDeepStrictEqual } from 'node:util';
import type { TableEvent } from '../../../src/core/batch.ts';
import type { Checkpoint } from '../../../src/core/checkpoint.ts';
import type { Observe } from '../../../src/core/observer.ts';
import type { Rules } from '../../../src/core/source.ts';
import { shapeOf, type Table } from '../../../src/core/table.ts';
import { haltFor } from '../catalog/definition.ts';
import type { Problem, TableReading } from '../catalog/reading.ts';
import { stopTable } from '../catalog/stop.ts';
import type { Due } from './due.ts';

export interface Grounds {
  readonly due: Due;
  readonly entries: Checkpoint['tables'];
  readonly rules: Rules;
  readonly observe: Observe;
  /** Bytes from which on a table that changed waits for a person. */
  readonly autoBelow: number;
}

/** Whether a table of so many bytes can be copied as it is, or the event that says why not; `wait` where that was said already. */
export function judgeDue(
  name: string,
  { table, problem }: TableReading,
  bytes: number,
  grounds: Grounds,
): 'copy' | 'wait' | TableEvent<'raw'> {
  const { due, rules, autoBelow } = grounds;
  const state = due.stateOf(name);
  if (problem) return halt(name, problem, grounds);
  if (due.needsPerson(name) && isAsItWas(table, grounds)) return 'wait';
  if (!rules.fits(table)) return { type: 'stopped', name, oid: table.oid, state, definition: table };
  // A copy for hours is for a person to begin, unless the table was never copied.
  if (bytes < autoBelow || !due.wasCopied(name) || rules.isOrdered(table)) return 'copy';
  const why = state.state === 'stale' ? state.reason : 'what halted it is over';
  const message = `${name}: ${why}; its ${Math.ceil(bytes / 1024 ** 2)} MB are more than recopy.auto_below`;
  return halt(name, { oid: table.oid, code: 'stale', message, fix: `pgveil recopy '${name}'` }, grounds);
}

/** Equal ones say the same. */
export function definitionOf({ table, problem }: TableReading): string {
  return JSON.stringify(problem ? problem.code : [table.oid, shapeOf(table)]);
}

function halt(name: string, problem: Problem, { due, observe }: Grounds) {
  const stop = haltFor(problem);
  const event = stopTable({ name, oid: problem.oid }, stop, observe);
  return isDeepStrictEqual(due.stateOf(name), stop.state) ? 'wait' : event;
}

/** Under the same definition and the same rules a copy would end as the one before; that of a later one `due` knows. */
function isAsItWas(table: Table<'raw'>, { due, entries, rules }: Grounds): boolean {
  const entry = entries.get(table.name);
  if (entry?.oid !== table.oid || entry.generation !== due.generationOf(table.name)) return false;
  return isDeepStrictEqual(entry.shape, shapeOf(table)) && rules.isAsCopied(table);
}
