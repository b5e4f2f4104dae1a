import { ERRORS, PgveilError } from '../../../src/core/errors.ts';
import { INSUFFICIENT_PRIVILEGE } from '../../../src/postgres/sql-state.ts';
import { isPassing, isTooLarge, sqlState } from '../../../src/postgres/trouble.ts';
import { Stopped } from '../catalog/guard.ts';
import type { Stop } from '../catalog/stop.ts';

/** A table, schema or column that is not there, or not what it was: the guard knows more. */
const GONE = ['42P01', '3F000', '42703', '42809'];

/**
 * Rights, and what one table's data alone can be the cause of: a row too large for text, a damaged page, an output function that fails, a
 * page that was cleaned up after old_snapshot_threshold.
 */
const OF_THE_TABLE = /^(0A|22|42|54|58|72|XX)/;

/** What the server says of a snapshot that it does not keep any longer, by old_snapshot_threshold: up to 16. */
const SNAPSHOT_TOO_OLD = '72000';

/**
 * What an error says that a chunk's LOCK, guard or COPY failed with: that the chunk is to be read again, that the guard is to be asked,
 * or that the table stops. Null where it is not about the table: the copy as a whole fails then.
 */
export function judge(error: unknown, table: string): 'again' | 'ask the guard' | Stop | null {
  if (error instanceof Stopped) return error.stop;
  if (isPassing(error)) return 'again';
  const state = sqlState(error);
  if (GONE.includes(state)) return 'ask the guard';
  if (!(error instanceof PgveilError) || !OF_THE_TABLE.test(state)) return null;
  const code = 'table_unreadable';
  return {
    state: { state: 'halted', code },
    message: `${table}: ${error.message}`,
    fix: fixOf(error),
    definition: null,
  };
}

function fixOf(error: PgveilError): string {
  if (sqlState(error) === SNAPSHOT_TOO_OLD) return ERRORS.snapshot_timeout.fix;
  if (sqlState(error) === INSUFFICIENT_PRIVILEGE) return 'Run the SQL that `pgveil check` shows for it.';
  if (isTooLarge(error))
    return 'A row is larger than 1 GB as text: make it smaller, or decide `drop` for its large column.';
  return ERRORS.source_failed.fix;
}
