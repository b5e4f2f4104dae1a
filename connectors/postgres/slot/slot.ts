import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import { PgveilError } from '../../../src/core/errors.ts';
import { reach } from '../../../src/core/fault.ts';
import { type Lsn, parseLsn } from '../../../src/core/lsn.ts';
import type { Observe, SlotSeen } from '../../../src/core/observer.ts';
import type { Secret } from '../../../src/core/secret.ts';
import { blockersOf, named, releaseOf } from '../../../src/postgres/blockers.ts';
import { connect } from '../../../src/postgres/connection.ts';
import { quoteName } from '../../../src/postgres/quote.ts';
import { CONFIGURATION_LIMIT_EXCEEDED, OBJECT_IN_USE, UNDEFINED_OBJECT } from '../../../src/postgres/sql-state.ts';
import { sqlState, trouble } from '../../../src/postgres/trouble.ts';
import { ask, endSession } from '../session.ts';

/** How long the server may take to say who is in the way. */
const ANSWER_MS = 15_000;

/** A slot as pg_replication_slots shows it. */
export interface Slot {
  readonly plugin: string | null;
  readonly database: string | null;
  /** pid of the walsender that reads from it. */
  readonly activePid: number | null;
  readonly confirmedFlush: Lsn | null;
  /** 'reserved', 'extended', 'unreserved' or 'lost'; null before it was first used. */
  readonly walStatus: string | null;
  /** Whether standbys keep it, too; null where the server is older than 17, which has no such slots. */
  readonly failover: boolean | null;
  /** Bytes of WAL that it keeps the server from removing. */
  readonly retainedBytes: number;
  /** Bytes that may still be written before the server gives it up; null where there is no limit. */
  readonly safeBytes: number | null;
  /** Where the server's durable WAL ended at the same moment. */
  readonly walEnd: Lsn;
}

export interface MadeSlot {
  /** All that committed before it is in the snapshot, all that follows is in the stream. */
  readonly consistentPoint: Lsn;
  /** Lives until `release`: import it before. */
  readonly snapshot: string;
  /** The connection that made it. It goes with it where it is temporary, and the snapshot with its next command. */
  readonly walsender: pg.Client;
  release(): Promise<void>;
}

export interface MakeSlot {
  readonly url: Secret;
  readonly name: string;
  /** Whether it ends with the connection that makes it. */
  readonly temporary: boolean;
  /** Whether standbys keep it, too; null: where the server can. A temporary one they never keep. */
  readonly failover: boolean | null;
  /** An ordinary session: it sees what the slot waits for. */
  readonly observer: pg.Client;
  readonly observe: Observe;
  /** Milliseconds to wait for older transactions. */
  readonly patience: number;
  readonly signal: AbortSignal;
}

/** Null where there is none of that name. */
export async function inspectSlot(client: pg.Client, name: string): Promise<Slot | null> {
  const [row] = await ask(
    client,
    `SELECT plugin, database, active_pid, confirmed_flush_lsn, wal_status, safe_wal_size,
      coalesce(pg_current_wal_lsn() - restart_lsn, 0) AS retained, pg_current_wal_flush_lsn() AS wal_end,
      to_jsonb(s) ->> 'failover' AS failover
    FROM pg_replication_slots s WHERE slot_name = $1`,
    [name],
  );
  if (!row) return null;
  const { plugin, database, active_pid, confirmed_flush_lsn, wal_status, safe_wal_size, retained, wal_end } = row;
  const { failover } = row;
  return {
    plugin: plugin ?? null,
    database: database ?? null,
    activePid: active_pid ? Number(active_pid) : null,
    confirmedFlush: confirmed_flush_lsn ? parseLsn(confirmed_flush_lsn) : null,
    walStatus: wal_status ?? null,
    failover: failover ? failover === 'true' : null,
    retainedBytes: Number(retained),
    safeBytes: safe_wal_size ? Number(safe_wal_size) : null,
    walEnd: parseLsn(wal_end!),
  };
}

/** The same for those who look on: as an observation. */
export async function observeSlot(client: pg.Client, name: string): Promise<SlotSeen | null> {
  const slot = await inspectSlot(client, name);
  if (!slot) return null;
  const { walEnd: end, retainedBytes, walStatus, safeBytes } = slot;
  return { type: 'slot', name, end, retainedBytes, walStatus, safeBytes };
}

/** Drops it if it is there. Rejects with `slot_in_use`, naming the pid, while somebody reads from it. */
export async function dropSlot(client: pg.Client, name: string): Promise<void> {
  try {
    const sql = 'SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_name = $1';
    await client.query(sql, [name]);
  } catch (error) {
    if (sqlState(error) === UNDEFINED_OBJECT) return; // gone since it was listed
    if (sqlState(error) !== OBJECT_IN_USE) throw trouble('source', error);
    throw inUse(name, (await inspectSlot(client, name))?.activePid ?? 'another process');
  }
}

export function inUse(name: string, pid: number | string): PgveilError {
  return new PgveilError('slot_in_use', `source: the slot ${quoteName(name)} is in use by pid ${pid}`);
}

/**
 * Makes a slot and exports the snapshot of its consistent point. The publication must be there already: WAL from before
 * it can never be decoded. Rejects with `slot_blocked` when an older transaction did not end in time; no slot is left then.
 */
export async function makeSlot(options: MakeSlot): Promise<MadeSlot> {
  const { url, name, temporary, failover, observer } = options;
  const walsender = await connect({ url, side: 'source', purpose: 'replication', name: 'pgveil slot' });
  try {
    const { pid, version } = await introduce(walsender);
    const command = createCommand(name, version, temporary, failover !== false);
    const creation = walsender.query<Record<'consistent_point' | 'snapshot_name', string>>(command);
    const { rows } = await unlessBlocked(creation, pid, options);
    reach(temporary ? 'temporary slot created' : 'slot created');
    return {
      consistentPoint: parseLsn(rows[0]!.consistent_point),
      snapshot: rows[0]!.snapshot_name,
      walsender,
      release: () => endSession(walsender),
    };
  } catch (error) {
    await endSession(walsender);
    throw await refused(observer, name, error);
  }
}

async function introduce(walsender: pg.Client): Promise<{ pid: number; version: number }> {
  // The walsender speaks only the simple protocol: no parameters.
  const { rows } = await walsender.query(
    "SELECT pg_backend_pid() AS pid, current_setting('server_version_num') AS version",
  );
  return { pid: Number(rows[0].pid), version: Number(rows[0].version) };
}

/** A failover slot goes on after a promotion where the standby keeps it in step. */
function createCommand(name: string, version: number, temporary: boolean, failover: boolean): string {
  const slot = `CREATE_REPLICATION_SLOT ${quoteName(name)} ${temporary ? 'TEMPORARY ' : ''}LOGICAL pgoutput`;
  if (version < 150_000) return `${slot} EXPORT_SNAPSHOT`;
  const keeps = failover && version >= 170_000 && !temporary;
  return keeps ? `${slot} (SNAPSHOT 'export', FAILOVER true)` : `${slot} (SNAPSHOT 'export')`;
}

async function unlessBlocked<T>(creation: Promise<T>, pid: number, options: MakeSlot): Promise<T> {
  const { observer, observe, patience, signal } = options;
  const started = performance.now();
  let told = '';
  creation.catch(() => {}); // heard below; but not if looking for the blockers fails first
  for (;;) {
    const made = await Promise.race([creation, sleep(500, null, { ref: false })]);
    if (made) return made;
    const blockers = await blockersOf(observer, String(pid), ANSWER_MS);
    const who = blockers.length === 0 ? '' : ` (${named(blockers)})`;
    const what = `older transactions${who} to end: the slot cannot be made before`;
    if (what !== told) observe({ type: 'waiting', for: 'transaction', what });
    told = what;
    const over = performance.now() - started >= patience;
    if (!over && !signal.aborted) continue;
    // Closing the connection would not do: a walsender that waits for a transaction does not notice.
    await ask(observer, 'SELECT pg_cancel_backend($1)', [pid]);
    await creation.catch(() => {});
    signal.throwIfAborted();
    throw new PgveilError('slot_blocked', `source: waited ${Math.round(patience / 1000)} s for ${what}`, {
      fix: releaseOf(blockers),
    });
  }
}

const DUPLICATE_OBJECT = '42710';

async function refused(observer: pg.Client, name: string, error: unknown): Promise<unknown> {
  switch (sqlState(error)) {
    case CONFIGURATION_LIMIT_EXCEEDED:
      return new PgveilError('no_free_slot', `source: no replication slot is free for ${quoteName(name)}`);
    case DUPLICATE_OBJECT: {
      const pid = (await inspectSlot(observer, name))?.activePid;
      const by = pid ? `, in use by pid ${pid}` : '';
      return new PgveilError('slot_in_use', `source: a slot ${quoteName(name)} is there already${by}`);
    }
    default:
      return error instanceof PgveilError || (error as Error)?.name === 'AbortError' ? error : trouble('source', error);
  }
}
