import type { Reading } from './reading.ts';

const EVERY_MS = 2000;

/** Looks at the catalog again and again: what changes there without a row behind it is nowhere in the stream. One look at a time. */
export class CatalogPoll {
  readonly #look: () => Promise<Reading>;
  readonly #seen: (reading: Reading) => void;
  readonly #failed: (error: unknown) => void;
  #isLooking = false;
  #lookedAt = Number.NEGATIVE_INFINITY;

  constructor(look: () => Promise<Reading>, seen: (reading: Reading) => void, failed: (error: unknown) => void) {
    this.#look = look;
    this.#seen = seen;
    this.#failed = failed;
  }

  /** Looks if it is time to; `now` in ms of a monotonic clock. */
  tick(now: number): void {
    if (this.#isLooking || now - this.#lookedAt < EVERY_MS) return;
    this.#isLooking = true;
    this.#lookedAt = now;
    this.#look()
      .then(this.#seen, this.#failed)
      .finally(() => {
        this.#isLooking = false;
      });
  }
}
