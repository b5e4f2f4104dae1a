import type { Lsn } from '../../core/lsn.ts';
import { unixMs } from '../../core/postgres-time.ts';
import { type Commit, Expected } from './expected.ts';

/** Commits that happened within so many milliseconds are kept as one. Many small ones may wait for a sink that gathers. */
const GRAIN_MS = 10;

/**
 * How old is what one sink lacks. What came in and is not durable there has a time of its own. What does not come in though it is there is as
 * old as the moment at which the WAL was seen to end behind it, and where there is no stream at all, as the one at which the sink last held
 * everything. All times in milliseconds since 1970.
 */
export class Lag {
  #commits: Commit[] = [];
  readonly #expected = new Expected();
  #durable: Lsn | null = null;
  /** The stream that is going on is of the history that the sinks know. */
  #isConfirmed = false;
  /** Since when the sink may lack what nobody knows of; null while it follows the stream. */
  #since: number | null;

  /** `now`: nobody knows what was committed before. */
  constructor(now: number) {
    this.#since = now;
  }

  /** It holds a position of the stream that is going on. */
  get isFollowing(): boolean {
    return this.#since === null;
  }

  /** Until now another instance wrote what this one knows nothing of. */
  takeOver(now: number): void {
    if (this.#since !== null) this.#since = now;
  }

  confirmed(): void {
    this.#isConfirmed = true;
  }

  /** The source's WAL ends at `end` now. */
  seen(end: Lsn, now: number): void {
    this.#expected.seen(end, now);
  }

  /** All before `pos` came in. */
  reached(pos: Lsn): void {
    this.#expected.reached(pos);
  }

  /** `commitTime` in microseconds since 2000-01-01 UTC; null where no commit stands behind the position. */
  received(pos: Lsn, commitTime: bigint | null): void {
    this.#expected.reached(pos);
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
    this.#expected.reached(pos);
    this.#commits = this.#commits.filter((commit) => commit.pos > pos);
    if (this.#isConfirmed) this.#since = null;
  }

  /** The stream is over. What the sink lacks comes in anew with the next one. */
  interrupt(now: number): void {
    this.#since = this.#oldest(now) ?? now;
    this.#expected.again(this.#commits, now);
    this.#commits = [];
    this.#isConfirmed = false;
  }

  /** 0 where nothing is missing. */
  ageMs(now: number): number {
    // The two clocks may differ: an age is never negative.
    return Math.max(0, now - (this.#oldest(now) ?? now));
  }

  /** Null where nothing is missing. What copies read beside the stream does not come in its order. */
  #oldest(now: number): number | null {
    let oldest = this.#commits.length > 0 ? null : this.#since;
    for (const { at } of this.#commits) if (oldest === null || at < oldest) oldest = at;
    const overdue = this.#expected.overdueSince(now);
    return oldest === null || (overdue !== null && overdue < oldest) ? overdue : oldest;
  }
}
