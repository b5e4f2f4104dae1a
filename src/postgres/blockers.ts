import type pg from 'pg';

/** Who keeps a backend waiting for a lock. */
export interface Blocker {
  /** '0' is a prepared transaction, which no process holds. */
  readonly pid: string;
  /** Null where that is not to be seen. */
  readonly application: string | null;
  readonly user: string | null;
}

/** Who blocks, and waits for another one itself, lets go when that one does: only those that wait for nobody are told. */
const HEADS = `WITH RECURSIVE ahead (pid) AS (
    SELECT unnest(pg_blocking_pids($1)) UNION SELECT unnest(pg_blocking_pids(pid)) FROM ahead)
  SELECT pid, application_name AS application, usename AS user FROM ahead LEFT JOIN pg_stat_activity USING (pid)
  WHERE cardinality(pg_blocking_pids(pid)) = 0 ORDER BY pid`;

/** Whom a backend waits for; nobody where it waits for no lock. What they do there is not asked: a statement may hold values. */
export async function blockersOf(client: pg.Client, pid: string, timeoutMs: number): Promise<readonly Blocker[]> {
  const asked = { text: HEADS, values: [pid], query_timeout: timeoutMs };
  return (await client.query<Blocker>(asked as pg.QueryConfig)).rows;
}

/** `pid 7 (psql, alice)` */
export function named(blockers: readonly Blocker[]): string {
  return blockers.map(nameOf).join(', ');
}

function nameOf({ pid, application, user }: Blocker): string {
  if (pid === '0') return 'a prepared transaction';
  const who = [application, user].filter(Boolean).join(', ');
  return who === '' ? `pid ${pid}` : `pid ${pid} (${who})`;
}

/** What makes them let go. */
export function releaseOf(blockers: readonly Blocker[]): string {
  const pids = blockers.map(({ pid }) => pid).filter((pid) => pid !== '0');
  const ends = pids.map((pid) => `SELECT pg_terminate_backend(${pid});`).join(' ');
  const prepared = 'COMMIT PREPARED or ROLLBACK PREPARED what pg_prepared_xacts lists.';
  return [ends && `End the transaction there, or: ${ends}`, pids.length < blockers.length && prepared]
    .filter(Boolean)
    .join(' ');
}
