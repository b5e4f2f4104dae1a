import { ByteWriter } from '../../../src/core/bytes.ts';

/** What a batch starts with: a pipeline may have a thousand tables, and most of them are quiet. */
const FIRST_BYTES = 16 * 1024;
/** Memory that a large row needed is not kept. */
const LARGEST_BYTES = 1024 * 1024;
/** Of 512 kB each, mostly. */
const MOST_KEPT = 8;

/** Memory of batches that goes round: made anew for each, it took a third of the time in which they are filled. */
export class BatchMemory {
  readonly #kept: ByteWriter[] = [];

  take(): ByteWriter {
    return this.#kept.pop() ?? new ByteWriter(FIRST_BYTES);
  }

  /** Nobody looks at what was in it any more. */
  give(out: ByteWriter): void {
    if (this.#kept.length < MOST_KEPT && out.bytes.length <= LARGEST_BYTES) this.#kept.push(out);
  }
}
