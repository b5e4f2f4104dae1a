import duckdb, { type Vector } from '@duckdb/node-bindings';
import { ByteWriter } from '../../../src/core/bytes.ts';

/** DuckDB keeps a text of so many bytes within its entry, and a longer one as a pointer. */
export const INLINED = 12;

/** Where a text lies: among the rows' images, or among those that had to be made. */
export const [IMAGES, MADE] = [0, 1];

/**
 * What the long texts of a chunk lie in. DuckDB gets the memory of all images at once, and each text is a pointer into it: a call per
 * text would take longer than all else that is done with it (370 ns against 100).
 */
export class Heap {
  #images: Buffer = Buffer.alloc(0);
  readonly #made = new ByteWriter(256);
  /** Addresses have 48 bits. */
  readonly #bases = [0, 0];

  /** Begins a chunk whose rows' images are all of `images`. */
  open(images: Buffer): void {
    this.#images = images;
    this.#made.clear();
  }

  /** Of a text that lies in the images; undefined where it does not. */
  offsetOf(bytes: Buffer, start: number): number | undefined {
    return bytes === this.#images ? start : undefined;
  }

  /** Keeps a text that lies in no image; returns its offset. */
  keep(bytes: Buffer, start: number, end: number): number {
    const offset = this.#made.length;
    this.#made.copy(bytes, start, end);
    return offset;
  }

  /** Hands all of it to DuckDB, for as long as `vector` keeps its content: one of bytes, since of texts DuckDB would look at each character. */
  moveTo(vector: Vector): void {
    this.#bases[IMAGES!] = lend(vector, this.#images);
    this.#bases[MADE!] = lend(vector, this.#made.view());
  }

  addressOf(place: number, offset: number): number {
    return this.#bases[place]! + offset;
  }
}

/** Copies bytes into the memory that goes with a vector of texts; returns where they are. */
function lend(vector: Vector, bytes: Buffer): number {
  if (bytes.length <= INLINED) return 0; // no text in it is longer, and so none a pointer
  duckdb.vector_assign_string_element_len(vector, 0, bytes);
  const entry = duckdb.vector_get_data(vector, 16);
  return Number(new DataView(entry.buffer, entry.byteOffset).getBigUint64(8, true));
}
