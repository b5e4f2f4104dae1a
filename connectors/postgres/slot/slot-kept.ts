import type pg from 'pg';
import type { SourceConfig } from '../../../config/config.ts';
import { PgveilError } from '../../../src/core/errors.ts';
import { readPublication } from '../catalog/publication.ts';
import type { Slot } from './slot.ts';
import { findSlot } from './slot-fit.ts';

/** The slot, where nothing shows that what it kept is gone. Rejects with `slot_lost` where something does, or `slot_unfit`. */
export async function requireKept(
  client: pg.Client,
  { slot: name, publication }: Pick<SourceConfig, 'slot' | 'publication'>,
): Promise<Slot> {
  const lost = (how: string) => new PgveilError('slot_lost', `source: ${how}`);
  const slot = await findSlot(client, name);
  if (!slot) throw lost(`the slot ${name} is not there`);
  if (slot.walStatus === 'lost') throw lost(`the server gave up the slot ${name}`);
  if (!(await readPublication(client, publication))) throw lost(`the publication ${publication} is not there`);
  return slot;
}

/** A lost slot, as the configuration wants it: everything is copied anew, or nothing is before a person says so. */
export function asGap(error: unknown, onGap: SourceConfig['onGap']): unknown {
  const isGap = error instanceof PgveilError && error.code === 'slot_lost';
  return isGap && onGap === 'halt' ? new PgveilError('gap_held', error.message) : error;
}
