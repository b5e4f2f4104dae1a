import { PgveilError } from '../../src/core/errors.ts';
import { sqlState, trouble } from '../../src/postgres/trouble.ts';

const UNIQUE_VIOLATION = '23505';
const DISK_FULL = '53100';

/**
 * Classes of SQLSTATE that say something about the table or its rows, so that trying again cannot help and the other tables are
 * not concerned: unsupported, data, integrity, undefined, limits, raised by somebody's trigger. Not missing rights (42501).
 */
const ABOUT_THE_TABLE = /^(0A|22|23|42(?!501)|54|P0)/;

/** What the twin said to rows of one table, as an error that names the table where it concerns that alone. */
export function refusal(thrown: unknown, table: string): PgveilError {
  const error = trouble('twin', thrown);
  const state = sqlState(error);
  if (state === UNIQUE_VIOLATION) return keyCollision(table);
  return ABOUT_THE_TABLE.test(state) ? new PgveilError('twin_refused', `${table}: ${error.message}`, { table }) : error;
}

/** The same of a copy: that the disk is full is its own trouble, since the room that it took is given back with it. */
export function copyRefusal(thrown: unknown, table: string): PgveilError {
  const error = refusal(thrown, table);
  if (sqlState(error) !== DISK_FULL) return error;
  return new PgveilError('twin_full', `${table}: no room for a second generation: ${error.message}`, { table });
}

export function keyCollision(table: string): PgveilError {
  return new PgveilError('key_collision', `${table}: a row came with the key of another one`, { table });
}

export function rowMissing(table: string): PgveilError {
  const message = `${table}: a row changed that the twin lacks, and a part of it was not sent`;
  return new PgveilError('row_missing', message, { table });
}

export function columnsAltered(table: string): PgveilError {
  return new PgveilError('twin_refused', `${table}: its columns on the twin are not those of the copy`, { table });
}
