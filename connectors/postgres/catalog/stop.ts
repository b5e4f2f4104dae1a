import type { TableEvent } from '../../../src/core/batch.ts';
import type { TableState } from '../../../src/core/checkpoint.ts';
import type { ErrorCode, PgveilError } from '../../../src/core/errors.ts';
import type { Observe } from '../../../src/core/observer.ts';
import type { Table } from '../../../src/core/table.ts';

/** Why a table stops, streaming or in a copy: the state it is in from then on, and what the operator is told. */
export interface Stop {
  readonly state:
    | Extract<TableState, { readonly state: 'stale' }>
    | { readonly state: 'halted'; readonly code: ErrorCode };
  readonly message: string;
  readonly fix: string;
  /** What stands under its name now, where that is another definition. */
  readonly definition: Table<'raw'> | null;
}

/** What a sink could not go on with. */
export function haltedBy({ code, message, fix }: PgveilError): Stop {
  return { state: { state: 'halted', code }, message, fix, definition: null };
}

/** Tells the operator that a table stops, why, and what to do; gives the event that tells the sinks. */
export function stopTable(
  { name, oid }: { readonly name: string; readonly oid: number },
  { state, message, fix, definition }: Stop,
  observe: Observe,
): TableEvent<'raw'> {
  const code = state.state === 'halted' ? state.code : state.state;
  observe({ type: 'warning', table: name, code, message, fix });
  return { type: 'stopped', name, oid, state, definition };
}
