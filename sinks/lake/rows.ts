import type { Transaction } from '../../src/core/batch.ts';
import { ByteWriter } from '../../src/core/bytes.ts';
import type { Tuple } from '../../src/core/tuple.ts';
import type { LakeTable } from './lake-table.ts';

/** As `_op` has it: read, update, create, delete, truncate. */
export type Op = 'r' | 'u' | 'c' | 'd' | 't';

/** One row of the lake. */
export interface Row {
  readonly op: Op;
  readonly transaction: Transaction;
  readonly seq: number;
  /** Null of a truncate. */
  readonly key: string | null;
  /** Where a row with this key came from under another one. */
  readonly previousKey: string | null;
  readonly image: Tuple<'redacted'> | null;
}

/** What a row costs beside its image: five references and a string. */
const ROW_BYTES = 160;

/** Rows that gather for one file: of one table and one day. Images are copied, since a slice would pin the socket's whole chunk. */
export class Rows {
  readonly table: LakeTable;
  /** `2026-11-21`, the value of `_date`. */
  readonly day: string;
  readonly #rows: Row[] = [];
  readonly #images = new ByteWriter(4096);
  /** Where each image ends, and the next begins. */
  readonly #ends: number[] = [];

  constructor(table: LakeTable, day: string) {
    this.table = table;
    this.day = day;
  }

  /** What they take in memory. */
  get bytes(): number {
    return this.#images.bytes.length + this.#rows.length * ROW_BYTES;
  }

  get length(): number {
    return this.#rows.length;
  }

  add(row: Row): void {
    if (row.image) this.#images.copy(row.image.bytes, row.image.start, row.image.end);
    this.#ends.push(this.#images.length);
    this.#rows.push({ ...row, image: null });
  }

  at(index: number): Row {
    const row = this.#rows[index]!;
    const [start, end] = [this.#ends[index - 1] ?? 0, this.#ends[index]!];
    return end === start ? row : { ...row, image: { bytes: this.#images.bytes, start, end } };
  }

  /** Runs of rows, as [from, to), of so many at most, and no longer than they have to be beyond so many bytes. */
  *runs(rows: number, bytes: number): Iterable<readonly [number, number]> {
    for (let from = 0, to = 0; from < this.length; from = to) {
      const limit = (this.#ends[from - 1] ?? 0) + bytes;
      do to++;
      while (to < this.length && to - from < rows && this.#ends[to]! <= limit);
      yield [from, to];
    }
  }
}
