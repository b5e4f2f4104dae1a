import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from 'pg';
import type { Change } from '../../src/core/batch.ts';
import type { TableEntry } from '../../src/core/checkpoint.ts';
import { PgveilError } from '../../src/core/errors.ts';
import { reach } from '../../src/core/fault.ts';
import { quoteTable } from '../../src/postgres/quote.ts';
import { sqlState, trouble } from '../../src/postgres/trouble.ts';
import { Chunk } from './chunk.ts';
import { createGeneration, dropLeftovers } from './generation.ts';
import { buildIndexes } from './indexes.ts';
import { query } from './query.ts';
import type { Session } from './session.ts';
import { holders, swap } from './swap.ts';
import { LOCK_NOT_AVAILABLE } from './takeover.ts';
import type { TwinTable } from './twin-table.ts';

const DEADLOCK_DETECTED = '40P01';
const SWAP_RETRY_MS = 1000;

/** Copies of whole tables: a generation is made, filled chunk by chunk, and swapped in. */
export class Copies {
  readonly #session: Session;
  #chunks: Chunk[] = [];
  readonly #idle: Client[] = [];

  constructor(session: Session) {
    this.#session = session;
  }

  /** Makes the generation that the chunks fill. A copy of the same table that is under way comes to nothing. */
  async start(table: TwinTable, entry: TableEntry): Promise<void> {
    const { claim, observe } = this.#session;
    await this.stop(table.source.name);
    await this.#withClient((client) => createGeneration(client, claim, table, entry, observe));
  }

  async read(table: TwinTable, number: number, reads: readonly Change<'redacted'>[]): Promise<void> {
    let chunk = this.#find(table.source.name, number);
    if (!chunk) {
      chunk = await Chunk.begin(await this.#client(), table, number);
      this.#chunks.push(chunk);
    }
    await chunk.write(reads);
  }

  async finishChunk(table: string, number: number): Promise<void> {
    const chunk = this.#find(table, number);
    if (!chunk) return;
    await chunk.commit(this.#session.claim);
    this.#chunks = this.#chunks.filter((other) => other !== chunk);
    this.#idle.push(chunk.client);
  }

  abandonChunk(table: string, number: number): void {
    this.#abandon((chunk) => chunk.table.source.name === table && chunk.number === number);
  }

  /** Builds keys and indexes and makes the generation public: waits for that as long as somebody holds the public table. */
  async finish(table: TwinTable, entry: TableEntry): Promise<void> {
    await this.#withClient(async (client) => {
      await buildIndexes(client, table, this.#session.options.indexes, this.#session.observe);
      reach('indexes built');
      await this.#swapIn(client, table, entry);
      // Without it the planner would know the generation and nothing of the public table.
      await query(client, `ANALYZE ${quoteTable(table.source)}`);
    });
  }

  /** The copy of this table, if one is under way, comes to nothing. */
  async stop(table: string): Promise<void> {
    this.#abandon((chunk) => chunk.table.source.name === table);
    await this.#withClient((client) => dropLeftovers(client, this.#session.claim, table));
  }

  /** Lets go of connections that no chunk needs for now. */
  rest(): void {
    for (const client of this.#idle.splice(0)) this.#session.end(client);
  }

  async #swapIn(client: Client, table: TwinTable, entry: TableEntry): Promise<void> {
    const { claim, closing } = this.#session;
    for (;;) {
      try {
        return await swap(client, claim, table, entry);
      } catch (error) {
        await this.#explain(client, table, error);
      }
      await sleep(SWAP_RETRY_MS, undefined, { signal: closing }).catch(() => {});
      if (closing.aborted) throw new PgveilError('twin_away', 'closed while a copy waited to take its place');
    }
  }

  /** Returns where trying again may help, and tells who stands in the way; throws otherwise. */
  async #explain(client: Client, table: TwinTable, error: unknown): Promise<void> {
    const { name } = table.source;
    const state = sqlState(error);
    if (state === LOCK_NOT_AVAILABLE || state === DEADLOCK_DETECTED) {
      const what = `the new copy of ${name}, until it is let go of by ${await holders(client, table)}`;
      this.#session.observe({ type: 'waiting', what });
      return;
    }
    const failure = trouble('twin', error);
    if (failure.code !== 'twin_failed') throw failure;
    throw new PgveilError('swap_blocked', `${name}: the new copy cannot take its place: ${failure.message}`, {
      table: name,
    });
  }

  /** Nothing but the end of its connection ends a COPY in the middle. */
  #abandon(isMeant: (chunk: Chunk) => boolean): void {
    for (const chunk of this.#chunks.filter(isMeant)) this.#session.end(chunk.client);
    this.#chunks = this.#chunks.filter((chunk) => !isMeant(chunk));
  }

  #find(table: string, number: number): Chunk | undefined {
    return this.#chunks.find((chunk) => chunk.table.source.name === table && chunk.number === number);
  }

  async #client(): Promise<Client> {
    return this.#idle.pop() ?? (await this.#session.connect());
  }

  async #withClient<T>(work: (client: Client) => Promise<T>): Promise<T> {
    const client = await this.#client();
    const result = await work(client);
    this.#idle.push(client);
    return result;
  }
}
