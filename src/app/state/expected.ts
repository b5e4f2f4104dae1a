import type { Lsn } from '../../core/lsn.ts';

export interface Commit {
  /** A sink holds it from this position on. */
  readonly pos: Lsn;
  /** In milliseconds since 1970. */
  readonly at: number;
}

/**
 * A stream that is well has got to an end of the WAL by then, whatever that end is of: vacuum, other databases and tables that are not listed
 * bring no commit, but the server says how far it is, and is asked after ten seconds of silence. What is in the WAL up to the middle of a
 * record is sent when the rest is there, which the next record of running transactions (15 s) sees to.
 */
const ON_ITS_WAY_MS = 30_000;

/** The older something is, the less it matters when exactly it was: what is this part of its age from the one before is left out. */
const COARSENESS = 1 / 16;

/** What a stream is to bring: ends of the source's WAL, since they were seen there, and commits that one before it had brought already. */
export class Expected {
  /** In the order of the WAL. */
  #commits: readonly Commit[] = [];
  #reached: Lsn | null = null;

  /** The source's WAL ends at `end` now. */
  seen(end: Lsn, now: number): void {
    // WAL that ends earlier than before is of another history, after a promotion, and what lay behind its end does not come any more.
    const before = this.#commits.filter(({ pos }) => pos <= end);
    const isNew = (this.#reached === null || end > this.#reached) && before.at(-1)?.pos !== end;
    this.#commits = isNew ? sparse([...before, { pos: end, at: now }], now) : before;
  }

  /** All before `pos` is there. */
  reached(pos: Lsn): void {
    if (this.#reached === null || pos > this.#reached) this.#reached = pos;
    if (this.#commits.length > 0 && this.#commits[0]!.pos <= pos)
      this.#commits = this.#commits.filter((commit) => commit.pos > pos);
  }

  /** The next stream begins further back, and has these to bring besides. */
  again(commits: readonly Commit[], now: number): void {
    this.#reached = null;
    const all = [...commits, ...this.#commits].sort((a, b) => (a.pos < b.pos ? -1 : 1));
    this.#commits = sparse(all, now);
  }

  /** Since when something has been on its way for too long; null where all is well. */
  overdueSince(now: number): number | null {
    const overdue = this.#commits.find(({ at }) => now - at >= ON_ITS_WAY_MS);
    return overdue?.at ?? null;
  }
}

/** However long nothing comes, some hundred of them tell how long each has not. */
function sparse(commits: readonly Commit[], now: number): readonly Commit[] {
  const kept: Commit[] = [];
  for (const commit of commits) {
    const before = kept.at(-1);
    if (!before || Math.abs(commit.at - before.at) >= (now - commit.at) * COARSENESS) kept.push(commit);
  }
  return kept;
}
