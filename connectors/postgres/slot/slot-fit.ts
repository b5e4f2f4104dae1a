import type pg from 'pg';
import { PgveilError } from '../../../src/core/errors.ts';
import { quoteName } from '../../../src/postgres/quote.ts';
import { ask } from '../session.ts';
import { inspectSlot, type Slot } from './slot.ts';

/** The slot of that name, null where there is none. Rejects with `slot_unfit` where it is somebody else's: to drop that one would be theft. */
export async function findSlot(client: pg.Client, name: string): Promise<Slot | null> {
  const slot = await inspectSlot(client, name);
  const misfit = slot && (await misfitOf(client, slot));
  if (misfit) throw new PgveilError('slot_unfit', `source: the replication slot ${quoteName(name)} is ${misfit}`);
  return slot;
}

/** What it is instead, where it is somebody else's; null where it may be ours. */
export async function misfitOf(client: pg.Client, { plugin, database }: Slot): Promise<string | null> {
  const [row] = await ask(client, 'SELECT current_database() AS database');
  if (plugin === 'pgoutput' && database === row!.database) return null;
  return plugin === null ? 'physical' : `for ${plugin} in the database ${quoteName(database ?? '')}`;
}
