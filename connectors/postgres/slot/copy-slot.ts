import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import { PgveilError } from '../../../src/core/errors.ts';
import { formatLsn, type Lsn } from '../../../src/core/lsn.ts';
import type { Observe, SlotSeen } from '../../../src/core/observer.ts';
import { trouble } from '../../../src/postgres/trouble.ts';
import { ask } from '../session.ts';
import { inspectSlot } from './slot.ts';

/** A walsender says why it ends a moment before its connection does. */
const GOODBYE_MS = 1000;

const MB = 1024 ** 2;

export interface CopySlotOptions {
  readonly name: string;
  /** The connection that made it: the slot ends with it. */
  readonly walsender: pg.Client;
  /** Asks something through the connection that is always open. */
  readonly use: <T>(work: (client: pg.Client) => Promise<T>) => Promise<T>;
  /** Has somebody look at a slot now and then: see Watch. */
  readonly follow: (name: string, tell: (seen: SlotSeen | null) => void) => () => void;
  readonly observe: Observe;
}

/**
 * The temporary slot of a copy beside the stream. Nothing is acknowledged in it before the copy is over, so it keeps all WAL that is written
 * meanwhile: people see how much. Where that is more than the server may keep, the server ends the walsender, of which nobody would hear as
 * long as tables are read.
 */
export class CopySlot {
  readonly #options: CopySlotOptions;
  readonly #lost = new AbortController();
  /** From where on it keeps WAL; null where it was gone at once. */
  readonly #keepsFrom: Promise<Lsn | null>;
  readonly #unfollow: () => void;
  #isSeen = false;
  #isOver = false;

  constructor(options: CopySlotOptions) {
    const { name, walsender, use, follow } = options;
    this.#options = options;
    walsender.once('error', this.#lose);
    walsender.once('end', this.#lose);
    this.#keepsFrom = use((client) => inspectSlot(client, name)).then(
      (slot) => slot && slot.walEnd - BigInt(slot.retainedBytes),
      () => null,
    );
    this.#unfollow = follow(name, (seen) => this.#see(seen));
  }

  /** Aborts when the slot is gone, with a PgveilError as its reason. */
  get lost(): AbortSignal {
    return this.#lost.signal;
  }

  /** What a copy under it failed with; or, where the slot was the cause, that. */
  async explain(error: unknown): Promise<unknown> {
    const isOfConnection = error instanceof PgveilError && ['source_away', 'source_closing'].includes(error.code);
    if (!isOfConnection || !(await this.#isLost())) return error;
    const excess = await this.#readExcess().catch(() => null);
    if (!excess || excess.kept <= excess.limit - excess.segment) return error;
    const message = `the server gave up the slot of this copy, which kept ${Math.ceil(excess.kept / MB)} MB of WAL`;
    return new PgveilError(
      'copy_slot_lost',
      `source: ${message}: max_slot_wal_keep_size is ${Math.round(excess.limit / MB)} MB`,
    );
  }

  /** The copy is over, and with it the slot. */
  end(): void {
    const { name, walsender, observe } = this.#options;
    walsender.off('error', this.#lose);
    walsender.off('end', this.#lose);
    this.#unfollow();
    this.#isOver = true;
    if (this.#isSeen) observe({ type: 'copy slot', name, seen: null });
  }

  #see(seen: SlotSeen | null): void {
    if (this.#isOver) return;
    if (seen) {
      this.#isSeen = true;
      this.#options.observe({ type: 'copy slot', name: seen.name, seen });
    } else this.#lose();
  }

  readonly #lose = (error: unknown = new Error('the connection ended')): void => {
    this.#lost.abort(trouble('source', error));
  };

  async #isLost(): Promise<boolean> {
    for (let waited = 0; !this.lost.aborted && waited < GOODBYE_MS; waited += 50) await sleep(50);
    return this.lost.aborted;
  }

  /** What it would keep by now, and what the server keeps for a slot: it goes by whole files. Null where there is no limit. */
  async #readExcess() {
    const from = await this.#keepsFrom;
    const [row] = await this.#options.use((client) =>
      ask(
        client,
        `SELECT pg_current_wal_lsn() - $1::pg_lsn AS kept, pg_size_bytes(current_setting('wal_segment_size')) AS segment,
          (SELECT setting::bigint * 1024 * 1024 FROM pg_settings WHERE name = 'max_slot_wal_keep_size' AND setting::bigint >= 0) AS limit`,
        [from === null ? null : formatLsn(from)],
      ),
    );
    const { kept, segment, limit } = row!;
    if (kept == null || limit == null) return null;
    return { kept: Number(kept), segment: Number(segment), limit: Number(limit) };
  }
}
