import type { Lsn } from '../../core/lsn.ts';
import { unixMs } from '../../core/postgres-time.ts';

/** Commits that happened within so many milliseconds are kept as one. Many small ones may wait for a sink that gathers. */
const GRAIN_MS = 10;

interface Commit {
  /** A sink holds it from this position on. */
  readonly pos: Lsn;
  readonly at: number;
}

/**
 * How old is what one sink lacks. What came in and is not durable there has a time of its own. What may have been committed while nothing
 * came in is as old as the moment at which the sink last held everything. All times in milliseconds since 1970.
 */
export class Lag {
  #commits: Commit[] = [];
  #durable: Lsn | null = null;
  /** The stream that is going on is of the history that the sinks know. */
  #isConfirmed = false;
  /** Since when the sink may lack what never came in; null while it follows the stream. */
  #since: number | null;

  /** `now`: nobody knows what was committed before. */
  constructor(now: number) {
    this.#since = now;
  }

  /** It holds a position of the stream that is going on. */
  get isFollowing(): boolean {
    return this.#since === null;
  }

  confirmed(): void {
    this.#isConfirmed = true;
  }

  /** `commitTime` in microseconds since 2000-01-01 UTC; null where no commit stands behind the position. */
  received(pos: Lsn, commitTime: bigint | null): void {
    if (this.#durable !== null && pos <= this.#durable) {
      // A slower sink needs this again. This one is beyond it, so it gets nothing to write, and on an idle source nothing else may come.
      if (this.#isConfirmed && pos < this.#durable) this.#since = null;
      return;
    }
    if (commitTime === null) return;
    const at = unixMs(commitTime);
    const last = this.#commits.at(-1);
    if (!last || pos < last.pos || Math.abs(at - last.at) > GRAIN_MS) this.#commits.push({ pos, at });
    else this.#commits[this.#commits.length - 1] = { pos, at: Math.min(at, last.at) };
  }

  /** Where a sink stands at a start is durable as well; that it can be written to shows with the first position of the stream. */
  durable(pos: Lsn): void {
    this.#durable = pos;
    this.#commits = this.#commits.filter((commit) => commit.pos > pos);
    if (this.#isConfirmed) this.#since = null;
  }

  /** The stream is over. What the sink lacks comes in anew with the next one. */
  interrupt(now: number): void {
    this.#since = this.#oldest ?? this.#since ?? now;
    this.#commits = [];
    this.#isConfirmed = false;
  }

  /** 0 where nothing is missing. */
  ageMs(now: number): number {
    // The two clocks may differ: an age is never negative.
    return Math.max(0, now - (this.#oldest ?? this.#since ?? now));
  }

  /** What copies read beside the stream does not come in its order. */
  get #oldest(): number | null {
    let oldest: number | null = null;
    for (const { at } of this.#commits) if (oldest === null || at < oldest) oldest = at;
    return oldest;
  }
}
