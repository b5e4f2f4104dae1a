import type pg from 'pg';
import { quoteText } from './quote.ts';

/** Who keeps a backend waiting for a lock. */
export interface Blocker {
  /** '0' is a prepared transaction, which no process holds. */
  readonly pid: string;
  /** The name of that one, where it was found; null for a process. */
  readonly gid: string | null;
  /** Null where that is not to be seen. */
  readonly application: string | null;
  readonly user: string | null;
}

/**
 * Who blocks, and waits for another one itself, lets go when that one does: only those that wait for nobody are told. A prepared transaction
 * has no pid in pg_locks, but one virtual transaction for all its locks, the one of its own id among them.
 */
const HEADS = `WITH RECURSIVE ahead (pid) AS (
    SELECT unnest(pg_blocking_pids($1)) UNION SELECT unnest(pg_blocking_pids(pid)) FROM ahead),
  prepared AS (
    SELECT DISTINCT gid FROM pg_locks AS wanted JOIN pg_locks AS held USING (locktype)
    JOIN pg_locks AS own ON own.virtualtransaction = held.virtualtransaction AND own.pid IS NULL AND own.locktype = 'transactionid'
    JOIN pg_prepared_xacts ON transaction = own.transactionid
    WHERE NOT wanted.granted AND held.pid IS NULL AND held.mode <> 'SIReadLock' AND (wanted.pid = $1 OR wanted.pid IN (SELECT pid FROM ahead))
    AND (wanted.database, wanted.relation, wanted.page, wanted.tuple, wanted.transactionid, wanted.classid, wanted.objid, wanted.objsubid)
    IS NOT DISTINCT FROM (held.database, held.relation, held.page, held.tuple, held.transactionid, held.classid, held.objid, held.objsubid))
  SELECT pid::text AS pid, gid, application_name AS application, usename AS user
  FROM ahead LEFT JOIN pg_stat_activity USING (pid) LEFT JOIN prepared ON ahead.pid = 0
  WHERE cardinality(pg_blocking_pids(pid)) = 0 ORDER BY ahead.pid, gid`;

/** Whom a backend waits for; nobody where it waits for no lock. What they do there is not asked: a statement may hold values. */
export async function blockersOf(client: pg.Client, pid: string, timeoutMs: number): Promise<readonly Blocker[]> {
  const asked = { text: HEADS, values: [pid], query_timeout: timeoutMs };
  return (await client.query<Blocker>(asked as pg.QueryConfig)).rows;
}

/** `pid 7 (psql, alice), the prepared transaction 'x'` */
export function named(blockers: readonly Blocker[]): string {
  return blockers.map(nameOf).join(', ');
}

function nameOf({ pid, gid, application, user }: Blocker): string {
  if (pid === '0') return gid === null ? 'a prepared transaction' : `the prepared transaction ${quoteText(gid)}`;
  const who = [application, user].filter(Boolean).join(', ');
  return who === '' ? `pid ${pid}` : `pid ${pid} (${who})`;
}

/** What makes them let go. Where nobody is to be seen they are just about to. */
export function releaseOf(blockers: readonly Blocker[]): string {
  if (blockers.length === 0) return 'Wait for them to end.';
  return `Wait for them to end, or end them: ${blockers.map(endOf).join(' ')}`;
}

function endOf({ pid, gid }: Blocker): string {
  if (pid !== '0') return `SELECT pg_terminate_backend(${pid});`;
  return `COMMIT PREPARED or ROLLBACK PREPARED ${gid === null ? 'what pg_prepared_xacts lists' : quoteText(gid)};`;
}
