import type { RawBatch } from '../src/core/batch.ts';
import { ByteWriter } from '../src/core/bytes.ts';
import type { Tuple } from '../src/core/tuple.ts';
import type { TupleRewriter } from './rewrite.ts';

/** What a rewritten tuple may be longer than the raw one, on average, before the memory has to be moved. */
const GROWTH = 64;
const SLACK = 4096;

/** The memory of one batch's rewritten tuples: made for all of them with the first, and never written again once they are handed out. */
export class Arena {
  readonly #batch: RawBatch;
  #out: ByteWriter | null = null;
  /** Bytes of the raw tuples that were rewritten, which nobody needs any more. */
  #replaced = 0;
  #hasPassed = false;

  constructor(batch: RawBatch) {
    this.#batch = batch;
  }

  rewrite(tuple: Tuple<'raw'>, isKeyOnly: boolean, rewriter: TupleRewriter): Tuple<'redacted'> | null {
    this.#out ??= new ByteWriter(this.#batch.bytes + GROWTH * this.#batch.changes.length + SLACK);
    this.#replaced += tuple.end - tuple.start;
    return rewriter.rewrite(tuple, isKeyOnly, this.#out);
  }

  /** A raw tuple was passed by reference: its memory stays in use, and with it that of its neighbours. */
  pass(): void {
    this.#hasPassed = true;
  }

  /** Size of the batch in memory once it is redacted. */
  get bytes(): number {
    return this.#batch.bytes - (this.#hasPassed ? 0 : this.#replaced) + (this.#out?.length ?? 0);
  }
}
