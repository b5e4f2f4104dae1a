import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import { reach } from '../../../src/core/fault.ts';
import type { Secret } from '../../../src/core/secret.ts';
import { quoteText } from '../../../src/postgres/quote.ts';
import { parseSnapshot } from '../catalog/catalog.ts';
import type { Snapshot } from '../catalog/reading.ts';
import { ask, endSession, openReader } from '../session.ts';

/** Holds the slot's snapshot open for as long as the copy lasts. */
export interface Keeper {
  /** In the snapshot: a catalog reading through it shows the tables as they were at the consistent point. */
  readonly client: pg.Client;
  /** What `SET TRANSACTION SNAPSHOT` takes, until `close`. */
  readonly snapshot: string;
  /** When it was taken, by the source's clock: microseconds since 2000-01-01 UTC. */
  readonly time: bigint;
  close(): Promise<void>;
}

/**
 * Imports a snapshot that a walsender exported and exports it again: the first export ends with the walsender's next command.
 * Resolves once every transaction that the snapshot counts as committed is so for everybody.
 */
export async function keepSnapshot(url: Secret, exported: string, signal: AbortSignal): Promise<Keeper> {
  const client = await openReader(url, 'pgveil keeper');
  try {
    await ask(client, 'BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY');
    await ask(client, `SET TRANSACTION SNAPSHOT ${quoteText(exported)}`);
    const [row] = await ask<Record<'id' | 'snapshot' | 'time', string>>(
      client,
      `SELECT pg_export_snapshot() AS id, pg_current_snapshot() AS snapshot,
        (extract(epoch FROM clock_timestamp() - '2000-01-01 00:00:00+00') * 1000000)::bigint AS time`,
    );
    reach('snapshot exported');
    await settle(url, parseSnapshot(row!.snapshot), signal);
    return { client, snapshot: row!.id, time: BigInt(row!.time), close: () => endSession(client) };
  } catch (error) {
    await endSession(client);
    throw error;
  }
}

/**
 * Waits until no transaction that `snapshot` sees as finished is still running. A walsender reads a commit from the WAL, and may
 * export it, a moment before the server has marked it: whoever reads in that moment takes the transaction for aborted.
 */
export async function settle(url: Secret, snapshot: Snapshot, signal: AbortSignal): Promise<void> {
  const outside = await openReader(url, 'pgveil keeper');
  try {
    for (;;) {
      signal.throwIfAborted();
      const [row] = await ask<{ now: string }>(outside, 'SELECT pg_current_snapshot() AS now');
      if (isSettled(snapshot, parseSnapshot(row!.now))) return;
      await sleep(10);
    }
  } finally {
    await endSession(outside);
  }
}

/**
 * Whether every transaction that `snapshot` counts as finished is so `now`. The newest one that runs is not among `now.running`: a
 * snapshot ends at the newest *finished* transaction, and everything from its xmax on may run (measured: `798:798:` while 798 ran).
 */
export function isSettled(snapshot: Snapshot, now: Snapshot): boolean {
  const finished = (xid: bigint) => xid < snapshot.xmax && !snapshot.running.includes(xid);
  if (now.running.some(finished)) return false;
  for (let xid = now.xmax; xid < snapshot.xmax; xid++) if (finished(xid)) return false;
  return true;
}
