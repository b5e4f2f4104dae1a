import type { LakeTable } from './columns/lake-table.ts';
import type { Action } from './delta/action.ts';
import { Gathering } from './gathering.ts';
import type { Row } from './parquet/rows.ts';
import type { Yard } from './yard.ts';

/** A new generation of a table in the making: in no version of the table until it takes the place of the one before. */
export class Copy {
  readonly table: LakeTable;
  readonly #yard: Yard;
  readonly #chunks = new Map<number, Gathering>();
  /** Of all chunks that are finished: small ones share a file. */
  readonly #reads: Gathering;
  /** Of the stream, since the copy's consistent point. */
  readonly #changes: Gathering;

  constructor(table: LakeTable, yard: Yard) {
    this.table = table;
    this.#yard = yard;
    this.#reads = new Gathering(table, yard);
    this.#changes = new Gathering(table, yard);
  }

  /** All that may have rows in memory. */
  *gatherings(): Iterable<Gathering> {
    yield* this.#chunks.values();
    yield this.#reads;
    yield this.#changes;
  }

  read(chunk: number, row: Row): void {
    let gathering = this.#chunks.get(chunk);
    if (!gathering) {
      gathering = new Gathering(this.table, this.#yard);
      this.#chunks.set(chunk, gathering);
    }
    gathering.add(row);
  }

  finishChunk(chunk: number): void {
    const gathering = this.#chunks.get(chunk);
    if (!gathering) return; // it had no rows
    this.#chunks.delete(chunk);
    this.#reads.merge(gathering);
  }

  async abandonChunk(chunk: number): Promise<void> {
    const gathering = this.#chunks.get(chunk);
    this.#chunks.delete(chunk);
    await gathering?.discard();
  }

  change(row: Row): void {
    this.#changes.add(row);
  }

  /** The files of the whole generation. */
  async finish(): Promise<readonly Action[]> {
    return [...(await this.#reads.finish()), ...(await this.#changes.finish())];
  }

  async discard(): Promise<void> {
    for (const gathering of this.gatherings()) await gathering.discard();
  }
}
