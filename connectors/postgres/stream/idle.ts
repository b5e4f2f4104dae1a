import type { Lsn } from '../../../src/core/lsn.ts';

/** Less than REST_MS (src/core/comparison.ts), after which whoever compares believes that no other position comes. */
const EVERY_MS = 10_000;

/**
 * WAL that writing one position can cost on the server that we read (the twin may be on it): a commit, a row, and both of its pages
 * in full after a checkpoint. Were that much reason enough for the next position, two idle databases would never come to rest.
 */
const WRITE_COST = 32n * 1024n;

/** Decides when a position without any change before it is worth a write. */
export class Idle {
  #writtenAt = Number.NEGATIVE_INFINITY;
  #pos: Lsn;
  #wanted: Lsn | null = null;

  constructor(pos: Lsn) {
    this.#pos = pos;
  }

  /** Somebody waits until everything before `lsn` is durable. */
  want(lsn: Lsn): void {
    this.#wanted = lsn;
  }

  /** What somebody waits for has not been handed over yet: the server is to be asked how far it is. */
  get isWanted(): boolean {
    return this.#wanted !== null && this.#pos < this.#wanted;
  }

  /** `pos` was handed over with changes. */
  passed(pos: Lsn): void {
    this.#pos = pos;
  }

  /** Whether to hand over `pos` alone; the caller does if so. `now` in ms of a monotonic clock. */
  isDue(pos: Lsn, now: number): boolean {
    if (pos <= this.#pos) return false;
    const reached = this.isWanted && pos >= this.#wanted!;
    if (!reached && (now - this.#writtenAt < EVERY_MS || pos - this.#pos <= WRITE_COST)) return false;
    this.#writtenAt = now;
    this.#pos = pos;
    return true;
  }
}
