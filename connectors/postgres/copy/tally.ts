import type { Leaf } from '../catalog/reading.ts';

export interface Sums {
  readonly rows: number;
  readonly bytes: number;
  readonly totalBytes: number;
}

/** A part of a chunk. */
export interface Read {
  readonly rows: number;
  /** As they were read. */
  readonly bytes: number;
  /** What the whole chunk has of its leaf, in bytes. */
  readonly share: number;
}

/** How far the copy of one table has come, in bytes of its files: an estimate, made to be shown and for nothing else. */
export class Tally {
  /** Of the chunks that were read to their end: in their files, and as they were read. */
  #rows = 0;
  #bytes = 0;
  #read = 0;
  /** Of those that are out, by number. */
  readonly #out = new Map<number, Read>();
  /** By leaf: the catalog's guess until somebody measured. */
  readonly #sizes: Map<number, number>;

  constructor(leaves: readonly Leaf[]) {
    this.#sizes = new Map(leaves.map(({ oid, bytes }) => [oid, bytes]));
  }

  measured(leaf: number, bytes: number): void {
    this.#sizes.set(leaf, bytes);
  }

  /** More rows of a chunk. */
  read(chunk: number, { rows, bytes, share }: Read): void {
    const before = this.#out.get(chunk) ?? { rows: 0, bytes: 0 };
    this.#out.set(chunk, { rows: before.rows + rows, bytes: before.bytes + bytes, share });
  }

  /** `chunk` is null where it had no rows. */
  finished(chunk: number | null, share: number): void {
    const { rows, bytes } = this.#out.get(chunk ?? 0) ?? { rows: 0, bytes: 0 };
    this.#rows += rows;
    this.#bytes += share;
    this.#read += bytes;
    this.abandoned(chunk);
  }

  /** Its rows come again. */
  abandoned(chunk: number | null): void {
    if (chunk !== null) this.#out.delete(chunk);
  }

  /** All is read. What the files grew by while they were is no part of it: a copy that is read is at its end. */
  ended(): void {
    this.#sizes.clear();
  }

  sums(): Sums {
    // A file may hold rows in less space or in more than they were read in: the chunks before tell how much.
    const scale = this.#read > 0 ? this.#bytes / this.#read : 1;
    let rows = this.#rows;
    let bytes = this.#bytes;
    for (const out of this.#out.values()) {
      rows += out.rows;
      bytes += Math.min(out.share, Math.round(out.bytes * scale));
    }
    const total = [...this.#sizes.values()].reduce((sum, size) => sum + size, 0);
    return { rows, bytes, totalBytes: Math.max(bytes, total) };
  }
}
