import type { Client } from 'pg';
import type { Change } from '../../../src/core/batch.ts';
import type { TableEntry } from '../../../src/core/checkpoint.ts';
import type { Session } from '../session.ts';
import type { TwinTable } from '../twin-table.ts';
import { Chunk } from './chunk.ts';
import { createGeneration, dropGenerations } from './generation.ts';

/** Copies of whole tables: a generation is made, and filled chunk by chunk. */
export class Copies {
  readonly #session: Session;
  #chunks: Chunk[] = [];
  readonly #idle: Client[] = [];
  /** By table name: what is being filled, or waits to take its place, and how many bytes it was given. */
  readonly #generations = new Map<string, { readonly table: TwinTable; bytes: number }>();
  /** What came to nothing. */
  #void: TwinTable[] = [];

  constructor(session: Session) {
    this.#session = session;
  }

  /** Makes the generation that the chunks fill. */
  async start(table: TwinTable, entry: TableEntry): Promise<void> {
    const { claim, observe, options } = this.#session;
    const { room } = options;
    this.stop(table.source.name);
    this.#generations.set(table.source.name, { table, bytes: 0 });
    await this.#withClient((client) => createGeneration(client, claim, table, entry, { room, observe }));
  }

  /** Nothing comes of it where the copy was given up. */
  async read(table: TwinTable, number: number, reads: readonly Change<'redacted'>[], bytes: number): Promise<void> {
    const generation = this.#generations.get(table.source.name);
    if (generation?.table.relation !== table.relation) return;
    generation.bytes += bytes;
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

  /** The copy of this table, if one is under way, comes to nothing. */
  stop(table: string): void {
    this.#abandon((chunk) => chunk.table.source.name === table);
    const generation = this.#generations.get(table);
    if (generation) this.#void.push(generation.table);
    this.#generations.delete(table);
  }

  /** How many bytes the copy was given; null where it was given up. */
  bytesOf({ source, relation }: TwinTable): number | null {
    const generation = this.#generations.get(source.name);
    return generation?.table.relation === relation ? generation.bytes : null;
  }

  /** The same as `stop`, of a copy that no changes were applied to yet: the room that it took is given back at once. */
  async giveUp(table: string): Promise<void> {
    this.stop(table);
    const mine = this.#void.filter(({ source }) => source.name === table);
    this.#void = this.#void.filter((other) => !mine.includes(other));
    if (mine.length > 0) await this.#drop(mine);
  }

  /** Lets go of connections that no chunk needs for now. */
  rest(): void {
    for (const client of this.#idle.splice(0)) this.#session.end(client);
  }

  /** What came to nothing since this was asked last: to be dropped when what was written so far is durable. */
  givenUp(): readonly TwinTable[] {
    return this.#void.splice(0);
  }

  /** Beside the stream. Not before a commit: changes may have been applied, and their transaction holds the table. What stays the next open drops. */
  drop(generations: readonly TwinTable[]): void {
    if (generations.length > 0) this.#drop(generations).catch(() => {}); // The connection is gone, or the claim.
  }

  async #drop(generations: readonly TwinTable[]): Promise<void> {
    const client = await this.#session.connect();
    const relations = generations.map(({ relation }) => relation);
    await dropGenerations(client, this.#session.claim, relations).finally(() => this.#session.end(client));
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
    try {
      const result = await work(client);
      this.#idle.push(client);
      return result;
    } catch (error) {
      this.#session.end(client);
      throw error;
    }
  }
}
