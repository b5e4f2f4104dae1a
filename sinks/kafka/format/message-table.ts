import { PgveilError } from '../../../src/core/errors.ts';
import type { RedactedTable } from '../../../src/core/table.ts';

/** The message's key, in the fields of a `flat` value. */
export const KEY_FIELD = 'source_primary_key';

const RESERVED = [KEY_FIELD, '__op', '__commit_lsn', '__seq', '__commit_ts_ms', '__previous_key', '__unchanged'];

/** Whether a column that leaves may not be called so. */
export function isReserved(name: string): boolean {
  return RESERVED.includes(name);
}

/** Throws `reserved_column` where the source has a column with a name of ours. */
export function assertNamesFree({ name, columns }: RedactedTable): void {
  const reserved = columns.find((column) => !column.withheld && isReserved(column.name));
  if (!reserved) return;
  const fix = 'Rename the column on the source, or decide `drop` for it.';
  throw new PgveilError('reserved_column', `${name} has a column ${reserved.name}, a name of the messages’ own`, {
    table: name,
    fix,
  });
}
