import type { Transaction } from '../../../src/core/batch.ts';
import { ByteWriter } from '../../../src/core/bytes.ts';
import type { Tuple } from '../../../src/core/tuple.ts';
import type { LakeTable } from '../columns/lake-table.ts';
import { RUN_BYTES, SpareMemory } from './spare-memory.ts';

/** As `_op` has it: read, update, create, delete, truncate. */
export type Op = 'r' | 'u' | 'c' | 'd' | 't';

/** `bytes[start, end)`. */
export interface Text {
  readonly bytes: Buffer;
  readonly start: number;
  readonly end: number;
}

/** One row of the lake. Its texts are where they were found, until the next one is made. */
export interface Row {
  readonly op: Op;
  readonly transaction: Transaction;
  readonly seq: number;
  /** Null of a truncate. */
  readonly key: Text | null;
  /** Where a row with this key came from under another one. */
  readonly previousKey: Text | null;
  readonly image: Tuple<'redacted'> | null;
}

/**
 * Rows that are converted at once: no more than one of DuckDB's vectors holds, and of a bounded size. By row, in arrays: an object for
 * each would outlive the collector's young generation, and the heap grow by it.
 */
export interface Run {
  readonly length: number;
  readonly ops: readonly Op[];
  readonly transactions: readonly Transaction[];
  readonly seqs: readonly number[];
  /** Where in `memory` the image begins and ends; nothing lies there where they are equal. The key is behind it, and then the previous key. */
  readonly starts: readonly number[];
  readonly imageEnds: readonly number[];
  /** NONE: it is null. */
  readonly keyEnds: readonly number[];
  readonly previousKeyEnds: readonly number[];
  readonly memory: Buffer;
  /** When it was converted: its memory is for another one. */
  release(): void;
}

export const NONE = -1;

/** DuckDB's vectors hold no more. */
export const VECTOR_ROWS = 2048;
/** To convert a cell takes a twentieth of a microsecond, and so many bytes some milliseconds: after that it is somebody else's turn. */
const RUN_CELLS = 65_536;
/** Of a thousand tables most have few rows. */
const FIRST_BYTES = 2048;
const KEY_BYTES = 256;

/** What a row costs beside its bytes: a place in seven arrays. */
const ROW_BYTES = 64;

/** Rows that gather for one file: of one table and one day. Images are copied, since a slice would pin the socket's whole chunk. */
export class Rows {
  readonly table: LakeTable;
  /** `2026-11-21`, the value of `_date`. */
  readonly day: string;
  #runs: GrowingRun[] = [];
  readonly #most: number;
  readonly #spare: SpareMemory;
  length = 0;
  /** What they take in memory. */
  bytes = 0;

  constructor(table: LakeTable, day: string, spare = new SpareMemory()) {
    this.table = table;
    this.day = day;
    this.#spare = spare;
    this.#most = Math.max(1, Math.min(VECTOR_ROWS, Math.floor(RUN_CELLS / table.fields.length)));
  }

  add(row: Row): void {
    let run = this.#runs.at(-1);
    if (!run || run.length === this.#most || !run.hasRoom(row)) {
      run = run ? new GrowingRun(this.#spare, this.#spare.take()) : new GrowingRun(this.#spare);
      this.#runs.push(run);
      this.bytes += run.capacity;
    }
    this.bytes += run.add(row);
    this.length++;
  }

  /** Takes over what others of the same table and day have gathered. */
  merge(others: Rows): void {
    this.#runs = [...this.#runs, ...others.#runs];
    this.length += others.length;
    this.bytes += others.bytes;
  }

  /** Gives the rows away, a run at a time and in their order, and forgets them. */
  *take(): Iterable<Run> {
    for (let run = this.#runs.shift(); run; run = this.#runs.shift()) yield run;
  }
}

class GrowingRun implements Run {
  readonly ops: Op[] = [];
  readonly transactions: Transaction[] = [];
  readonly seqs: number[] = [];
  readonly starts: number[] = [];
  readonly imageEnds: number[] = [];
  readonly keyEnds: number[] = [];
  readonly previousKeyEnds: number[] = [];
  readonly #writer: ByteWriter;
  readonly #spare: SpareMemory;

  constructor(spare: SpareMemory, memory?: Buffer) {
    this.#spare = spare;
    this.#writer = new ByteWriter(memory ? 0 : FIRST_BYTES);
    if (memory) this.#writer.bytes = memory;
  }

  get length(): number {
    return this.ops.length;
  }

  get memory(): Buffer {
    return this.#writer.view();
  }

  get capacity(): number {
    return this.#writer.bytes.length;
  }

  /** Whether it stays within what a run should have, if the row's keys are as small as they mostly are. */
  hasRoom({ image }: Row): boolean {
    return this.#writer.length + (image ? image.end - image.start : 0) + KEY_BYTES <= RUN_BYTES;
  }

  release(): void {
    this.#spare.give(this.#writer.bytes);
  }

  /** Returns by how much its memory grew. */
  add({ op, transaction, seq, image, key, previousKey }: Row): number {
    const capacity = this.#writer.bytes.length;
    this.ops.push(op);
    this.transactions.push(transaction);
    this.seqs.push(seq);
    this.starts.push(this.#writer.length);
    if (image) this.#writer.copy(image.bytes, image.start, image.end);
    this.imageEnds.push(this.#writer.length);
    this.keyEnds.push(this.#keep(key));
    this.previousKeyEnds.push(this.#keep(previousKey));
    return this.#writer.bytes.length - capacity + ROW_BYTES;
  }

  #keep(text: Text | null): number {
    if (text === null) return NONE;
    this.#writer.copy(text.bytes, text.start, text.end);
    return this.#writer.length;
  }
}
