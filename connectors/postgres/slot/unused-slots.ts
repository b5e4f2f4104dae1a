import type pg from 'pg';
import { PgveilError } from '../../../src/core/errors.ts';
import type { Observe } from '../../../src/core/observer.ts';
import { ask } from '../session.ts';
import { dropWhenLeft, isOwnSlot, ownSlotName, ownSlotPrefix } from './own-slots.ts';

/** A pipeline's slot, and the sinks that it is configured to have. */
export interface Configured {
  readonly slot: string;
  readonly sinks: Iterable<string>;
}

/**
 * Own slots of sinks that are configured no longer, by name: somebody took such a sink out while it was parked. Nobody would ever read from
 * them, and the source would keep their WAL for ever. The same of one that was parked and is the only one left: it reads from the
 * pipeline's.
 */
export async function findUnused(client: pg.Client, { slot, sinks }: Configured): Promise<string[]> {
  const configured = Array.from(sinks, (sink) => ownSlotName(slot, sink));
  const used = new Set(configured.length > 1 ? configured : []);
  const rows = await ask<{ name: string }>(
    client,
    `SELECT slot_name AS name FROM pg_replication_slots
    WHERE plugin = 'pgoutput' AND database = current_database() AND NOT temporary AND starts_with(slot_name::text, $1)
    ORDER BY slot_name`,
    [ownSlotPrefix(slot)],
  );
  return rows.map(({ name }) => name).filter((name) => isOwnSlot(slot, name) && !used.has(name));
}

/** Drops them, and says so. For whoever holds the pipeline's lock. What cannot be dropped is there at the next start. */
export async function dropUnused(client: pg.Client, configured: Configured, observe: Observe): Promise<void> {
  for (const name of await findUnused(client, configured)) {
    const what = `the slot ${name} was kept for a sink that will not read from it any more`;
    try {
      await dropWhenLeft(client, name);
      observe({ type: 'step', message: `${what}: dropped` });
    } catch (error) {
      if (!(error instanceof PgveilError)) throw error;
      observe({ type: 'step', message: `${what}, and is still there: ${error.message}` });
    }
  }
}
