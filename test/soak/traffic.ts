// An application that writes at a steady rate, and goes on doing so whatever becomes of its database.
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import type { Random } from '../support/random/prng.ts';
import { ROWS, TRANSACTIONS } from './shop.ts';

/** One connection alone could be kept from the rate by a disk that takes its time to flush a commit. */
const WRITERS = 4;
/** An insert, two updates, a delete. */
const CHANGES_EACH = 4;
/** Rows so near to either end may not be there yet, or not any more, while other writers are at work. */
const MARGIN = 100;
const RECONNECT_MS = 100;

export interface Written {
  /** That their writers know to be committed. */
  readonly changes: number;
  readonly transactions: number;
  readonly perSecond: number;
  /** Cut off by a fault of the source: committed or not. */
  readonly uncertain: number;
}

/** Behind its schedule, after a restart of the source, it writes as fast as it can until it has caught up. */
export class Traffic {
  readonly #url: string;
  readonly #perSecond: number;
  readonly #random: Random;
  readonly #committed: (lsn: string) => void;
  readonly #stop = new AbortController();
  /** Of each table: the ids that are there, from the first to before the last. */
  readonly #ids = TRANSACTIONS.map(() => ({ first: 1, last: ROWS + 1 }));
  readonly #started = performance.now();
  readonly #writers: Promise<void>[];
  #next = 0;
  #changes = 0;
  #transactions = 0;
  #uncertain = 0;

  /** Writes to the database at `url` so many changes a second, and tells of each commit with a place in the WAL before it. */
  constructor(url: string, perSecond: number, random: Random, committed: (lsn: string) => void) {
    this.#url = url;
    this.#perSecond = perSecond;
    this.#random = random;
    this.#committed = committed;
    this.#writers = Array.from({ length: WRITERS }, () => this.#write());
  }

  /** Resolves when nothing is written any more. */
  async end(): Promise<Written> {
    this.#stop.abort();
    await Promise.all(this.#writers);
    const seconds = (performance.now() - this.#started) / 1000;
    return {
      changes: this.#changes,
      transactions: this.#transactions,
      perSecond: Math.round(this.#changes / seconds),
      uncertain: this.#uncertain,
    };
  }

  async #write(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      const client = new pg.Client({ connectionString: this.#url });
      client.on('error', () => {}); // the statement under way is told as well
      try {
        await client.connect();
        while (!this.#stop.signal.aborted) await this.#commitNext(client);
      } catch {
        await sleep(RECONNECT_MS);
      } finally {
        await client.end().catch(() => {});
      }
    }
  }

  async #commitNext(client: pg.Client): Promise<void> {
    const transaction = this.#next++;
    const due = this.#started + (transaction * CHANGES_EACH * 1000) / this.#perSecond;
    const early = due - performance.now();
    if (early > 0) await sleep(early);
    const table = transaction % TRANSACTIONS.length;
    const values = this.#idsFor(table);
    this.#uncertain++;
    const { rows } = await client.query({ name: `table ${table}`, text: TRANSACTIONS[table]!, values });
    this.#uncertain--;
    this.#transactions++;
    this.#changes += Number(rows[0].changes);
    this.#committed(rows[0].lsn);
  }

  #idsFor(table: number): [number, number[], number] {
    const ids = this.#ids[table]!;
    const some = () => this.#random.int(ids.first + MARGIN, ids.last - MARGIN);
    return [ids.last++, [some(), some()], ids.first++];
  }
}
