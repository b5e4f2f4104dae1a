import { setTimeout as sleep } from 'node:timers/promises';
import type { ClientBase } from 'pg';
import { CHECKPOINT_FORMAT } from '../../src/core/checkpoint.ts';
import type { Observe } from '../../src/core/observer.ts';
import { INSUFFICIENT_PRIVILEGE, LOCK_NOT_AVAILABLE } from '../../src/postgres/sql-state.ts';
import { sqlState } from '../../src/postgres/trouble.ts';
import { type Claim, TABLES } from './checkpoint.ts';
import { LOCKS } from './locks.ts';
import { inTransaction, query } from './query.ts';
import type { TwinOptions } from './session.ts';

/** Makes the schema `pgveil` and its tables where they are missing. Two instances may do so at once. */
export async function install(client: ClientBase): Promise<void> {
  const { rows } = await query(client, `SELECT to_regclass('pgveil.generation') IS NOT NULL AS there`);
  if (rows[0]!.there === 't') return;
  await inTransaction(client, async () => {
    await query(client, `SELECT pg_advisory_xact_lock(hashtextextended('pgveil', 0))`);
    // IF NOT EXISTS asks for the right to create even where there is nothing to do.
    const schema = await query(client, `SELECT FROM pg_namespace WHERE nspname = 'pgveil'`);
    if (schema.rowCount === 0) await query(client, 'CREATE SCHEMA pgveil');
    await query(client, TABLES);
  });
}

/** Raises the epoch: whatever the instance before still writes fails from here on. Waits for as long as that holds the row. */
export async function takeOver(
  client: ClientBase,
  { name, pipeline }: TwinOptions,
  observe: Observe,
  signal: AbortSignal,
): Promise<Claim> {
  // ON CONFLICT alone would wait for a predecessor that hangs in the middle of an update of the row.
  await query(
    client,
    `INSERT INTO pgveil.checkpoint (pipeline, format, epoch)
     SELECT $1, $2, 0 WHERE NOT EXISTS (SELECT FROM pgveil.checkpoint WHERE pipeline = $1) ON CONFLICT (pipeline) DO NOTHING`,
    [pipeline, CHECKPOINT_FORMAT],
  );
  for (;;) {
    signal.throwIfAborted();
    await endPredecessor(client, pipeline);
    try {
      return await raiseEpoch(client, pipeline);
    } catch (error) {
      if (sqlState(error) !== LOCK_NOT_AVAILABLE) throw error;
      const what = `sink ${name}, where another instance is in the middle of a transaction`;
      observe({ type: 'waiting', for: 'transaction', what });
      await sleep(RETRY_MS, undefined, { signal });
    }
  }
}

const RETRY_MS = 500;

/**
 * FOR UPDATE waits for transactions that hold the epoch: a chunk or a swap that is about to commit. A position of an older format is of
 * no use: without one everything is copied.
 */
async function raiseEpoch(client: ClientBase, pipeline: string): Promise<Claim> {
  return await inTransaction(client, async () => {
    await query(client, `SET LOCAL lock_timeout = '1s'`);
    await query(client, 'SELECT FROM pgveil.checkpoint WHERE pipeline = $1 FOR UPDATE', [pipeline]);
    const { rows } = await query(
      client,
      `UPDATE pgveil.checkpoint SET epoch = epoch + 1, format = $2, pos = CASE WHEN format = $2 THEN pos END, holder_pid = pid, holder_start = backend_start
       FROM pg_stat_activity WHERE pid = pg_backend_pid() AND pipeline = $1 RETURNING epoch`,
      [pipeline, CHECKPOINT_FORMAT],
    );
    return { pipeline, epoch: BigInt(rows[0]!.epoch!) };
  });
}

/**
 * The instance before may have lost its host in the middle of a transaction, and its backends would hold the row for a long time: the one
 * that moves the position, and those of its copies, which hold the epoch while they commit. All are called what ours is called.
 */
export async function endPredecessor(client: ClientBase, pipeline: string): Promise<void> {
  await terminate(
    client,
    `SELECT pid FROM pgveil.checkpoint JOIN pg_stat_activity ON pid = holder_pid AND backend_start = holder_start
     WHERE pipeline = $1
     UNION SELECT pid FROM ${LOCKS}
     WHERE relation = 'pgveil.checkpoint'::regclass AND application_name = current_setting('application_name')`,
    [pipeline],
  );
}

/** Ends the backends that `sql` lists as `pid`, ours aside, and waits until they are gone. Where that is not allowed they stay. */
export async function terminate(client: ClientBase, sql: string, values: readonly unknown[]): Promise<void> {
  try {
    await query(
      client,
      `SELECT pg_terminate_backend(pid, 5000) FROM (${sql}) AS old WHERE pid <> pg_backend_pid()`,
      values,
    );
  } catch (error) {
    if (sqlState(error) !== INSUFFICIENT_PRIVILEGE) throw error;
  }
}
