import type pg from 'pg';
import { LOCK_NOT_AVAILABLE } from '../../../src/postgres/sql-state.ts';
import { sqlState } from '../../../src/postgres/trouble.ts';
import { ask } from '../session.ts';
import type { Leaf } from './reading.ts';

/**
 * Bytes of each leaf, TOAST included. To measure takes a lock for a moment: those that somebody has locked against readers, or is about
 * to, are left out, since nothing but a figure on a screen waits for them.
 */
export async function readLeafSizes(client: pg.Client, leaves: readonly Leaf[]): Promise<ReadonlyMap<number, number>> {
  const sizes = ask<Record<'oid' | 'bytes', string>>(
    client,
    `WITH free AS MATERIALIZED (SELECT oid FROM unnest($1::oid[]) AS leaf (oid) WHERE NOT EXISTS (
      SELECT FROM pg_locks WHERE locktype = 'relation' AND relation = leaf.oid AND mode = 'AccessExclusiveLock'
        AND database = (SELECT oid FROM pg_database WHERE datname = current_database())))
    SELECT oid, coalesce(pg_table_size(oid), 0) AS bytes FROM free`,
    [leaves.map(({ oid }) => oid)],
  );
  const rows = await sizes.catch((error) => {
    if (sqlState(error) === LOCK_NOT_AVAILABLE) return []; // one was locked just now
    throw error;
  });
  return new Map(rows.map(({ oid, bytes }) => [Number(oid), Number(bytes)]));
}
