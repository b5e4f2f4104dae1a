import type { Lsn } from '../../core/lsn.ts';

const POSTGRES_EPOCH_MS = Date.UTC(2000, 0, 1);

/** The commits that came in and are not durable everywhere yet: at most one per batch that is under way. */
export class Lag {
  #commits: { readonly pos: Lsn; readonly at: number }[] = [];

  /** `commitTime` in microseconds since 2000-01-01 UTC; null where no commit stands behind the position. */
  received(pos: Lsn, commitTime: bigint | null): void {
    if (commitTime === null) return;
    this.#commits.push({ pos, at: POSTGRES_EPOCH_MS + Number(commitTime / 1000n) });
  }

  /** Everything up to `least` is durable in every sink. */
  forget(least: Lsn): void {
    const first = this.#commits.findIndex(({ pos }) => pos > least);
    this.#commits = first === -1 ? [] : this.#commits.slice(first);
  }

  /** The pipeline starts again from what is durable, and everything else comes in anew. */
  restart(): void {
    this.#commits = [];
  }

  /** Milliseconds since the oldest commit that a sink does not hold which is durable up to `durable`; 0 if there is none. */
  ageMs(durable: Lsn | null, now: number): number {
    const oldest = this.#commits.find(({ pos }) => durable === null || pos > durable);
    // The two clocks may differ: an age is never negative.
    return oldest ? Math.max(0, now - oldest.at) : 0;
  }
}
