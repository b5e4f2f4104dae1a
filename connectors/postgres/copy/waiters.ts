import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import { isPassing } from '../../../src/postgres/trouble.ts';
import { ask } from '../session.ts';

/**
 * Milliseconds between two looks. An ALTER, and every statement queued behind it, waits for a chunk for so long, and for the chunk's session to
 * end: together less than 200 ms. A look costs the server a fraction of a millisecond.
 */
const INTERVAL_MS = 50;

/** Looks out for those who wait behind a lock of ours. */
export class Waiters {
  readonly #observer: pg.Client;
  readonly #giveUp = new Map<number, () => void>();

  constructor(observer: pg.Client) {
    this.#observer = observer;
  }

  /** `giveUp` is called when somebody waits for what the session `pid` holds. The returned function ends the watch. */
  watch(pid: number, giveUp: () => void): () => void {
    this.#giveUp.set(pid, giveUp);
    return () => this.#giveUp.delete(pid);
  }

  /** Looks until `signal` aborts. Rejects when the observer's connection is lost. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await sleep(INTERVAL_MS, null, { signal }).catch(() => {});
      if (this.#giveUp.size === 0 || signal.aborted) continue;
      const blocking = await this.#look().catch((error) => {
        if (isPassing(error)) return []; // somebody has locked the catalog itself: whoever waits for us is seen at a later look
        throw error;
      });
      for (const pid of blocking) this.#giveUp.get(pid)?.();
    }
  }

  /** pg_blocking_pids is not free: it is asked only about those who wait for a table or an index, which is rare. */
  async #look(): Promise<number[]> {
    const rows = await ask<{ pid: string }>(
      this.#observer,
      `SELECT DISTINCT b.pid FROM pg_locks l, unnest(pg_blocking_pids(l.pid)) AS b (pid)
      WHERE NOT l.granted AND l.locktype = 'relation' AND b.pid = ANY ($1::int[])`,
      [[...this.#giveUp.keys()]],
    );
    return rows.map(({ pid }) => Number(pid));
  }
}
