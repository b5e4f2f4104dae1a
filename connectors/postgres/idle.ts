import type { Lsn } from '../../src/core/lsn.ts';

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
  #awaited: Lsn | null = null;

  constructor(pos: Lsn) {
    this.#pos = pos;
  }

  /** Somebody waits until everything before `lsn` is durable. */
  await(lsn: Lsn): void {
    this.#awaited = lsn;
  }

  /** What is awaited has not been handed over yet: the server is to be asked how far it is. */
  get isAwaited(): boolean {
    return this.#awaited !== null && this.#pos < this.#awaited;
  }

  /** `pos` was handed over with changes. */
  passed(pos: Lsn): void {
    this.#pos = pos;
  }

  /** Whether to hand over `pos` alone; the caller does if so. `now` in ms of a monotonic clock. */
  isDue(pos: Lsn, now: number): boolean {
    if (pos <= this.#pos) return false;
    const reached = this.isAwaited && pos >= this.#awaited!;
    if (!reached && (now - this.#writtenAt < EVERY_MS || pos - this.#pos <= WRITE_COST)) return false;
    this.#writtenAt = now;
    this.#pos = pos;
    return true;
  }
}
