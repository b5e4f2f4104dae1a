import { PgveilError } from '../core/errors.ts';

/** Trouble that returns within so long was never over. */
export const RELAPSE_MS = 60_000;

/** Bounds how long a run may wait for what is away: the time since it last got anywhere. */
export class Patience {
  readonly #limitMs: number | null;
  readonly #out = new AbortController();
  #timer: NodeJS.Timeout | undefined;
  /** When the trouble began that is not over, as performance.now() has it. */
  #since: number | null = null;
  #calmSince: number | null = null;
  /** Who is in trouble. */
  readonly #worried = new Set<string>();

  /** `limitMs` null: for ever. The clock runs from the start. */
  constructor(limitMs: number | null) {
    this.#limitMs = limitMs;
    this.worry();
  }

  /** Aborts when time is up. */
  get signal(): AbortSignal {
    return this.#out.signal;
  }

  /** Something is away: the clock runs, from where it stood if that is no news. `who`: for whom, where it is one of several. */
  worry(who = ''): void {
    this.#worried.add(who);
    if (this.#limitMs === null) return;
    const now = performance.now();
    if (this.#calmSince !== null && now - this.#calmSince >= RELAPSE_MS) this.#since = null;
    this.#calmSince = null;
    this.#since ??= now;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#out.abort(), this.#since + this.#limitMs - now);
  }

  /** It seems to get on: the clock stops, unless somebody else is in trouble. */
  calm(who = ''): void {
    this.#worried.delete(who);
    if (this.#worried.size > 0) return;
    this.#calmSince ??= performance.now();
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  /** It got somewhere: the next trouble is a new one. */
  advance(who = ''): void {
    this.calm(who);
    if (this.#worried.size === 0) this.#since = null;
  }

  /** Nobody is waited for any more. */
  end(): void {
    clearTimeout(this.#timer);
  }

  /** Throws `timed_out` when time is up. */
  check(): void {
    if (!this.#out.signal.aborted) return;
    throw new PgveilError('timed_out', `no progress for ${(this.#limitMs ?? 0) / 1000} s`);
  }
}
