import { OWN_BYTES, type RawBatch } from '../src/core/batch.ts';
import { ByteWriter } from '../src/core/bytes.ts';
import type { Tuple } from '../src/core/tuple.ts';
import type { TupleRewriter } from './rewrite.ts';

/** A batch that waits holds no more of its neighbours than this. A larger row gets a block of its own. */
const BLOCK = 256 * 1024;
/** What a rewritten tuple may be longer than the raw one before its block has to be moved. */
const GROWTH = 2048;

/**
 * The memory of rewritten tuples: blocks that are filled one after the other, and never written again where a tuple was handed out.
 * One for a whole batch would be made larger than it is filled, and memory that is made and not used calls the garbage collector, too.
 */
export class Arena {
  #block = new ByteWriter(0);
  #batchBytes = 0;
  /** Bytes of the raw tuples that were rewritten, which nobody needs any more. */
  #replaced = 0;
  #written = 0;
  #hasPassed = false;

  /** The tuples that follow are of this batch. */
  begin({ bytes }: RawBatch): void {
    this.#batchBytes = bytes;
    this.#replaced = 0;
    this.#written = 0;
    this.#hasPassed = false;
  }

  rewrite(tuple: Tuple<'raw'>, isKeyOnly: boolean, rewriter: TupleRewriter): Tuple<'redacted'> | null {
    const size = tuple.end - tuple.start;
    const block = this.#blockFor(size + GROWTH);
    const start = block.length;
    const rewritten = rewriter.rewrite(tuple, isKeyOnly, block);
    this.#replaced += size;
    this.#written += block.length - start;
    return rewritten;
  }

  /** A raw tuple was passed by reference: its memory stays in use, and with it that of its neighbours. */
  pass(): void {
    this.#hasPassed = true;
  }

  /** Size of the batch in memory as far as it is redacted. */
  get bytes(): number {
    return this.#batchBytes - (this.#hasPassed ? 0 : this.#replaced) + this.#written;
  }

  /**
   * Gives the memory of large raw rows back at once. Left to the garbage collector, which counts it late, rows of 100 MB one after the
   * other would be there three and four at a time.
   */
  release({ bytes, changes }: RawBatch): void {
    if (this.#hasPassed || bytes < OWN_BYTES) return;
    for (const { before, after } of changes) {
      if (before) free(before.bytes);
      if (after) free(after.bytes);
    }
  }

  #blockFor(size: number): ByteWriter {
    if (this.#block.length + size > this.#block.bytes.length) this.#block = new ByteWriter(Math.max(size, BLOCK));
    return this.#block;
  }
}

function free(bytes: Buffer): void {
  if (bytes.length >= OWN_BYTES) (bytes.buffer as ArrayBuffer).transfer(0);
}
