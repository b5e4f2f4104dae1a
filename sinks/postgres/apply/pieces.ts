import { ByteWriter } from '../../../src/core/bytes.ts';

/** What a piece starts with: a pipeline may have a thousand tables, and most of them are quiet. */
const FIRST_BYTES = 4096;
/** Memory that a large row needed is not kept. */
const LARGEST_BYTES = 2 * 1024 * 1024;
const MOST_KEPT = 4;

/** Memory for encoded rows that goes round: made anew for every few rows, it would call the garbage collector all the time. */
export class Pieces {
  readonly #kept: ByteWriter[] = [];

  take(): ByteWriter {
    return this.#kept.pop() ?? new ByteWriter(FIRST_BYTES);
  }

  /** Nobody looks at what was in it any more. */
  give(piece: ByteWriter): void {
    if (this.#kept.length >= MOST_KEPT || piece.bytes.length > LARGEST_BYTES) return;
    piece.clear();
    this.#kept.push(piece);
  }
}
