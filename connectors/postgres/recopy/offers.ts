import type { RawBatch } from '../../../src/core/batch.ts';
import { unlessAborted } from '../abort.ts';
import type { Bell } from '../bell.ts';
import { emptyBatch } from '../copy/table-copy.ts';

/** A batch of nothing: for events that happen beside the stream. */
export const NOTHING = emptyBatch({ clsn: 0n, xid: null, commitTime: 0n });

/** What copies hand to the one stream: taken in the order of the offers, and whoever offers waits until then. */
export class Offers {
  readonly #waiting: { readonly batch: RawBatch; readonly taken: PromiseWithResolvers<void> }[] = [];
  readonly #bell: Bell;

  /** `bell` is rung when there is something to take. */
  constructor(bell: Bell) {
    this.#bell = bell;
  }

  /** Resolves when the batch is taken. */
  async hand(batch: RawBatch, signal: AbortSignal): Promise<void> {
    const taken = Promise.withResolvers<void>();
    this.#waiting.push({ batch, taken });
    this.#bell.ring();
    await unlessAborted(taken.promise, signal);
  }

  /** A batch, if there is one. */
  take(): RawBatch | null {
    const offer = this.#waiting.shift();
    offer?.taken.resolve();
    return offer?.batch ?? null;
  }
}
