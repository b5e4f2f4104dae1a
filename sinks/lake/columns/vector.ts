import duckdb, { type Vector } from '@duckdb/node-bindings';

/** A column's values of one chunk, as DuckDB's vectors hold them. What is not put is NULL. */
export interface FilledVector {
  readonly values: Values;
  /** Copies the first `count` values into a vector of DuckDB's, and begins anew. */
  moveTo(vector: Vector, count: number): void;
}

/** Likewise, of values that come as Postgres's texts. */
export interface ColumnVector extends FilledVector {
  /** Takes the text `bytes[start, end)`. False where it has no place in the type: the value stays NULL. */
  put(at: number, bytes: Buffer, start: number, end: number): boolean;
}

/** Memory of one width per value, and a bit of each that says whether it is there. It grows: a list may have any length. */
export class Values {
  readonly #width: number;
  #capacity = 64; // of a thousand tables most have few rows
  #there: Uint8Array<ArrayBuffer>;
  view: DataView<ArrayBuffer>;
  /** The same memory: its bytes one by one. */
  bytes: Uint8Array<ArrayBuffer>;
  /** Those that are not NULL, of all chunks so far. */
  count = 0;

  /** In bytes. */
  constructor(width: number) {
    this.#width = width;
    this.#there = new Uint8Array(this.#capacity / 8);
    this.bytes = new Uint8Array(this.#capacity * width);
    this.view = new DataView(this.bytes.buffer);
  }

  /** Before a value is written. */
  reserve(at: number): void {
    if (at < this.#capacity) return;
    while (at >= this.#capacity) this.#capacity *= 2;
    const [there, bytes] = [new Uint8Array(this.#capacity / 8), new Uint8Array(this.#capacity * this.#width)];
    there.set(this.#there);
    bytes.set(this.bytes);
    this.#there = there;
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer);
  }

  has(at: number): boolean {
    return ((this.#there[at >> 3]! >> (at & 7)) & 1) === 1;
  }

  /** When it is written. */
  set(at: number): void {
    this.#there[at >> 3]! |= 1 << (at & 7);
    this.count++;
  }

  clear(at: number): void {
    if (!this.has(at)) return;
    this.#there[at >> 3]! ^= 1 << (at & 7);
    this.count--;
    this.bytes.fill(0, at * this.#width, (at + 1) * this.#width); // a shorter text counts on it
  }

  moveTo(vector: Vector, count: number): void {
    if (count === 0) return;
    this.reserve(count - 1);
    const bytes = Math.ceil(count / 64) * 8;
    duckdb.copy_data_to_vector(vector, 0, this.view.buffer, 0, count * this.#width);
    duckdb.vector_ensure_validity_writable(vector);
    duckdb.copy_data_to_vector_validity(vector, 0, this.#there.buffer, 0, bytes);
    this.#there.fill(0, 0, bytes);
    this.bytes.fill(0, 0, count * this.#width); // no address outlives its chunk, behind a NULL either
  }
}
