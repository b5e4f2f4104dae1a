import type { Lsn } from '../../core/lsn.ts';

/** A burst counts for most of a minute: long enough that an alarm is none of a moment, short enough to be in time. */
const SMOOTHED_OVER_S = 60;
/** Slots that are looked at together have one end of the WAL between them. */
const LEAST_S = 1;

/** How fast a server writes WAL, by where its WAL ended whenever somebody looked. */
export class WalRate {
  #last: { readonly end: Lsn; readonly at: number } | null = null;
  /** Bytes a second. */
  #rate: number | null = null;

  /** Bytes a second; null before the second look. `at` in milliseconds of a monotonic clock. */
  note(end: Lsn, at: number): number | null {
    const last = this.#last;
    // An end that moved back is another server's: what was known of the one before does not hold for it.
    if (!last || end < last.end) this.#restart(end, at);
    else if (at - last.at >= LEAST_S * 1000) this.#follow(Number(end - last.end), (at - last.at) / 1000, end, at);
    return this.#rate;
  }

  #restart(end: Lsn, at: number): void {
    this.#last = { end, at };
    this.#rate = null;
  }

  #follow(bytes: number, seconds: number, end: Lsn, at: number): void {
    this.#last = { end, at };
    const now = bytes / seconds;
    const weight = this.#rate === null ? 1 : 1 - Math.exp(-seconds / SMOOTHED_OVER_S);
    this.#rate = (this.#rate ?? 0) + weight * (now - (this.#rate ?? 0));
  }
}
