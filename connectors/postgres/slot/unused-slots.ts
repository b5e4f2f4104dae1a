import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import { PgveilError } from '../../../src/core/errors.ts';
import type { Observe } from '../../../src/core/observer.ts';
import { ask } from '../session.ts';
import { isOwnSlot, ownSlotNames, ownSlotPrefix } from './own-slots.ts';
import { dropSlot } from './slot.ts';

type Use = <T>(work: (client: pg.Client) => Promise<T>) => Promise<T>;

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
  const used = new Set(ownSlotNames(slot, sinks).values());
  const rows = await ask<{ name: string }>(
    client,
    `SELECT slot_name AS name FROM pg_replication_slots
    WHERE plugin = 'pgoutput' AND database = current_database() AND NOT temporary AND starts_with(slot_name::text, $1)
    ORDER BY slot_name`,
    [ownSlotPrefix(slot)],
  );
  return rows.map(({ name }) => name).filter((name) => isOwnSlot(slot, name) && !used.has(name));
}

/** So soon one is tried again that somebody still reads from, since a walsender may outlive the process that it served. */
const FIRST_MS = 1_000;
/** And no less often than this: each time is an error in the source's log. */
const LONGEST_MS = 60_000;

/** Drops them, once in the life of a process, and says so. */
export class UnusedSlots {
  readonly #configured: Configured;
  readonly #observe: Observe;
  /** Those that are said to be still there. */
  readonly #told = new Set<string>();
  #areGone = false;

  constructor(configured: Configured, observe: Observe) {
    this.#configured = configured;
    this.#observe = observe;
  }

  /**
   * Until they are gone or `signal` aborts; then it is for the next session to call it again. Nobody waits for this. `use` asks through the
   * connection that holds the pipeline's lock: an instance that was overtaken drops nothing.
   */
  async drop(use: Use, signal: AbortSignal): Promise<void> {
    for (let pauseMs = FIRST_MS; !this.#areGone && !signal.aborted; pauseMs = Math.min(2 * pauseMs, LONGEST_MS)) {
      try {
        const names = await use((client) => findUnused(client, this.#configured));
        for (const name of names) await this.#dropOne(use, name, signal);
        this.#areGone = names.length === 0;
      } catch (error) {
        if (!(error instanceof PgveilError)) throw error;
        // The connection is lost, of which everybody hears.
      }
      if (!this.#areGone) await sleep(pauseMs, undefined, { signal, ref: false }).catch(() => {});
    }
  }

  async #dropOne(use: Use, name: string, signal: AbortSignal): Promise<void> {
    const what = `the slot ${name} was kept for a sink that will not read from it any more`;
    try {
      await use((client) => dropSlot(client, name));
      this.#observe({ type: 'step', message: `${what}: dropped` });
    } catch (error) {
      if (!(error instanceof PgveilError)) throw error;
      if (signal.aborted || this.#told.has(name)) return;
      this.#told.add(name);
      this.#observe({ type: 'step', message: `${what}, and is still there: ${error.message}` });
    }
  }
}
