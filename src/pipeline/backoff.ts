const FIRST_MS = 250;
const LONGEST_MS = 30_000;

/** Waiting times that double from a quarter of a second to half a minute, each within ±20 % so that many instances do not return at once. */
export class Backoff {
  #next = FIRST_MS;

  /** Milliseconds to wait now. */
  next(): number {
    const base = this.#next;
    this.#next = Math.min(base * 2, LONGEST_MS);
    return Math.round(base * (0.8 + Math.random() * 0.4));
  }

  /** Something worked: the next trouble is a new one. */
  reset(): void {
    this.#next = FIRST_MS;
  }
}
