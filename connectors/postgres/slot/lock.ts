import { createHash } from 'node:crypto';
import type pg from 'pg';
import { ask } from '../session.ts';

/** The advisory lock that the one instance of a pipeline that runs holds on the source. It goes with the session. */
export async function tryLock(client: pg.Client, pipeline: string): Promise<boolean> {
  const [row] = await ask(client, 'SELECT pg_try_advisory_lock($1) AS locked', [lockKey(pipeline)]);
  return row!.locked === 't';
}

/** Whether an instance of the pipeline runs, wherever that is. */
export async function isRunning(client: pg.Client, pipeline: string): Promise<boolean> {
  return (await findHolder(client, pipeline)) !== null;
}

/** The session of the instance that runs, in words: `pid 7 on the source, from 10.0.0.5`. Null where none does. */
export async function findHolder(client: pg.Client, pipeline: string): Promise<string | null> {
  const [holder] = await ask(
    client,
    `SELECT pid, client_addr AS address FROM pg_locks JOIN pg_database d ON d.oid = database AND d.datname = current_database()
    LEFT JOIN pg_stat_activity USING (pid)
    WHERE locktype = 'advisory' AND objsubid = 1 AND granted AND (classid::bigint << 32) | objid::bigint = $1`,
    [lockKey(pipeline)],
  );
  if (!holder) return null;
  const { pid, address } = holder;
  // Null through a Unix socket, and where it is another role's.
  return `pid ${pid} on the source${address ? `, from ${address}` : ''}`;
}

/** An advisory lock is 64 bits; it holds within one database, as a pipeline's slot does. */
function lockKey(pipeline: string): string {
  return String(createHash('sha256').update(`pgveil ${pipeline}`).digest().readBigInt64BE());
}
