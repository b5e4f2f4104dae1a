import type pg from 'pg';
import { parseLsn } from '../../src/core/lsn.ts';
import type { Observation } from '../../src/core/observer.ts';
import { ask } from './session.ts';
import { inspectSlot } from './slot.ts';

type SlotReport = Extract<Observation, { readonly type: 'slot' }>;

/** The slot as an operator wants to know it, and where the server's durable WAL ends. Null where there is no slot of that name. */
export async function observeSlot(client: pg.Client, name: string): Promise<SlotReport | null> {
  const slot = await inspectSlot(client, name);
  if (!slot) return null;
  const [row] = await ask(client, 'SELECT pg_current_wal_flush_lsn() AS lsn');
  const { retainedBytes, walStatus, safeBytes } = slot;
  return { type: 'slot', end: parseLsn(row!.lsn!), retainedBytes, walStatus, safeBytes };
}
