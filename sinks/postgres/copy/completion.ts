import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from 'pg';
import type { TableEntry } from '../../../src/core/checkpoint.ts';
import { PgveilError } from '../../../src/core/errors.ts';
import { reach } from '../../../src/core/fault.ts';
import type { Observation } from '../../../src/core/observer.ts';
import { quoteTable } from '../../../src/postgres/quote.ts';
import { DEADLOCK_DETECTED, LOCK_NOT_AVAILABLE } from '../../../src/postgres/sql-state.ts';
import { sqlState, trouble } from '../../../src/postgres/trouble.ts';
import { query } from '../query.ts';
import type { Session } from '../session.ts';
import type { TwinTable } from '../twin-table.ts';
import { buildIndexes } from './indexes.ts';
import { holders, swap } from './swap.ts';
import { type Remade, refreshViews, type View } from './views.ts';

const SWAP_RETRY_MS = 1000;

/** The indexes of so much are built in a second or so. Those of more take a line of their own, in which nobody small waits. */
const SMALL_BYTES = 64 * 1024 * 1024;

/** One copy from the moment that its rows are there. */
interface Work {
  readonly table: TwinTable;
  readonly cancelled: AbortController;
  readonly built: Promise<boolean>;
  readonly swapped: PromiseWithResolvers<boolean>;
  /** What the table's entry becomes with the swap; null before the copy is finished. */
  entry: TableEntry | null;
  state: 'waiting' | 'swapping' | 'swapped';
}

/** What becomes of a copy when its rows are there, beside the stream: keys and indexes are built, then it takes the public table's place. */
export class Completions {
  readonly #session: Session;
  /** By table name. */
  readonly #works = new Map<string, Work>();
  #late = new Map<string, TableEntry>();
  /** One build after another, small ones in a line of their own: each takes all that a server gives it. */
  readonly #lastBuild: Record<'small' | 'large', Promise<unknown>> = {
    small: Promise.resolve(),
    large: Promise.resolve(),
  };

  constructor(session: Session) {
    this.#session = session;
  }

  /** All reads of the copy are committed, so many bytes. */
  build(table: TwinTable, bytes: number): void {
    const cancelled = new AbortController();
    const line = bytes < SMALL_BYTES ? 'small' : 'large';
    const built = this.#lastBuild[line].then(() => this.#build(table, cancelled.signal));
    const swapped = Promise.withResolvers<boolean>();
    for (const done of [built, swapped.promise]) done.catch(() => {}); // told by `settled`
    this.#lastBuild[line] = built.catch(() => {});
    this.#works.set(table.source.name, { table, cancelled, built, swapped, entry: null, state: 'waiting' });
  }

  /** The copy may take its place when what was written so far is durable: a start would read from an older position otherwise. */
  finish(table: string, entry: TableEntry): void {
    const work = this.#works.get(table);
    if (work) work.entry = entry;
  }

  /** Whether a new entry of the table has to wait for the swap: before, it would say that readers see the copy. */
  defers(table: string, entry: TableEntry): boolean {
    const work = this.#works.get(table);
    if (work?.entry && work.state !== 'swapped') {
      work.entry = entry;
      return true;
    }
    this.#late.delete(table);
    return false;
  }

  /** Entries that came too late for the swap they waited for. */
  late(): ReadonlyMap<string, TableEntry> {
    const late = this.#late;
    this.#late = new Map();
    return late;
  }

  /** Copies that are finished by now and are not being swapped yet: they may be when what was written so far is durable. */
  finished(): readonly Work[] {
    return [...this.#works.values()].filter(({ entry, state }) => entry !== null && state === 'waiting');
  }

  swap(finished: readonly Work[]): void {
    for (const work of finished) {
      work.state = 'swapping';
      reach('hand-over durable');
      this.#swap(work).then(work.swapped.resolve, work.swapped.reject);
    }
  }

  /** See Sink.settled. */
  async settled(table: string): Promise<boolean> {
    const work = this.#works.get(table);
    if (!work) return false;
    return await (work.entry ? work.swapped.promise : work.built);
  }

  /** Whether keys and indexes of the table's copy are being built: none of its changes were written yet. */
  isBuilding(table: string): boolean {
    return this.#works.get(table)?.entry === null;
  }

  /** Nothing is done for the table's copy from here on; what has begun of a swap comes to its end first. */
  async stop(table: string): Promise<void> {
    const work = this.#works.get(table);
    if (!work) return;
    this.#works.delete(table);
    work.cancelled.abort();
    if (work.state === 'waiting') work.swapped.resolve(false);
    await this.#lastAttempt;
    this.#late.delete(table);
  }

  /** What is being swapped fails by itself, with its connection. */
  close(reason: unknown): void {
    for (const { state, swapped } of this.#works.values()) if (state === 'waiting') swapped.reject(reason);
  }

  async #build(table: TwinTable, cancelled: AbortSignal): Promise<boolean> {
    if (cancelled.aborted) return false;
    const { options, observe } = this.#session;
    return await this.#withClient(cancelled, async (client) => {
      await buildIndexes(client, table, options.indexes, observe);
      reach('indexes built');
      return true;
    });
  }

  async #swap(work: Work): Promise<boolean> {
    if (!(await work.built)) return false;
    return await this.#withClient(null, async (client) => {
      const remade = await this.#swapIn(client, work);
      if (!remade) return false;
      // Without it the planner would know the generation and nothing of the public table.
      await query(client, `ANALYZE ${quoteTable(work.table.source)}`);
      await this.#refresh(client, work, remade);
      return true;
    });
  }

  async #refresh(client: Client, { table }: Work, remade: Remade): Promise<void> {
    for (const { name, refresh } of await refreshViews(client, remade)) {
      const message = `the materialized view ${name} was made again, since columns of the table changed, and could not be filled`;
      const fix = `Correct it, and then: ${refresh}`;
      this.#session.observe({ type: 'warning', table: table.source.name, code: 'view_empty', message, fix });
    }
  }

  /** Tries until nobody is in the way; returns what became of views. Null where the copy came to nothing before. */
  async #swapIn(client: Client, work: Work): Promise<Remade | null> {
    const { closing, observe } = this.#session;
    const cancelled = work.cancelled.signal;
    const given = AbortSignal.any([cancelled, closing]);
    for (let told = ''; !given.aborted; ) {
      try {
        return await this.#inTurn(async () => (given.aborted ? null : await this.#attempt(client, work)));
      } catch (error) {
        const message = await whoHolds(client, work.table, error);
        if (message !== told) observe({ type: 'step', table: work.table.source.name, message });
        told = message;
      }
      await sleep(SWAP_RETRY_MS, undefined, { signal: given }).catch(() => {});
    }
    if (cancelled.aborted) return null;
    throw new PgveilError('twin_away', 'closed while a copy waited to take its place');
  }

  async #attempt(client: Client, work: Work): Promise<Remade> {
    const { table, entry } = work;
    const { name } = table.source;
    const remade = await swap(client, this.#session.claim, table, entry!);
    work.state = 'swapped';
    if (work.entry !== entry) this.#late.set(name, work.entry!);
    for (const view of remade.lost) this.#session.observe(viewDropped(name, view));
    return remade;
  }

  /** The last attempt to swap, over all tables. */
  #lastAttempt: Promise<unknown> = Promise.resolve();

  /** One attempt at a time, and none is cut off in the middle. */
  #inTurn<T>(attempt: () => Promise<T>): Promise<T> {
    const turn = this.#lastAttempt.then(attempt);
    this.#lastAttempt = turn.catch(() => {});
    return turn;
  }

  /** On a connection of its own. False where `cancelled` ended it: nothing but the end of its connection does. */
  async #withClient(cancelled: AbortSignal | null, work: (client: Client) => Promise<boolean>): Promise<boolean> {
    const client = await this.#session.connect();
    const end = () => this.#session.end(client);
    cancelled?.addEventListener('abort', end);
    try {
      return cancelled?.aborted ? false : await work(client);
    } catch (error) {
      if (cancelled?.aborted) return false;
      throw error;
    } finally {
      cancelled?.removeEventListener('abort', end);
      end();
    }
  }
}

/** Tells who stands in the way, where trying again may help; throws otherwise. */
async function whoHolds(client: Client, table: TwinTable, error: unknown): Promise<string> {
  const { name } = table.source;
  const state = sqlState(error);
  if (state === LOCK_NOT_AVAILABLE || state === DEADLOCK_DETECTED) {
    return `the new copy of ${name} waits until the table is let go of by ${await holders(client, table)}`;
  }
  const failure = trouble('twin', error);
  // Rights are missing where something in the way is somebody else's.
  if (failure.code !== 'twin_failed' && failure.code !== 'twin_rights') throw failure;
  const message = `${name}: the new copy cannot take its place: ${failure.message}`;
  throw new PgveilError('swap_blocked', message, { table: name });
}

function viewDropped(table: string, { name, sql }: View): Observation {
  const message = `the view ${name} does not compile any more, since columns of the table went: it was dropped`;
  return { type: 'warning', table, code: 'view_dropped', message, fix: `Correct it and create it again: ${sql}` };
}
