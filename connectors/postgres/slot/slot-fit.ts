import type pg from 'pg';
import { PgveilError } from '../../../src/core/errors.ts';
import { quoteName } from '../../../src/postgres/quote.ts';
import { ask } from '../session.ts';
import { inspectSlot, type Slot } from './slot.ts';

/** The slot of that name, null where there is none. Rejects with `slot_unfit` where it is somebody else's: to drop that one would be theft. */
export async function findSlot(client: pg.Client, name: string): Promise<Slot | null> {
  const slot = await inspectSlot(client, name);
  const [row] = await ask(client, 'SELECT current_database() AS database');
  if (!slot || (slot.plugin === 'pgoutput' && slot.database === row!.database)) return slot;
  const what =
    slot.plugin === null ? 'physical' : `for ${slot.plugin} in the database ${quoteName(slot.database ?? '')}`;
  throw new PgveilError('slot_unfit', `source: the replication slot ${quoteName(name)} is ${what}`);
}
