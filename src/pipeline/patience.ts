import { PgveilError } from '../core/errors.ts';

/** Bounds how long a run may wait for what is away: the time since it last got anywhere. */
export class Patience {
  readonly #limitMs: number | null;
  readonly #out = new AbortController();
  #timer: NodeJS.Timeout | undefined;

  /** `limitMs` null: for ever. The clock runs from the start. */
  constructor(limitMs: number | null) {
    this.#limitMs = limitMs;
    this.worry();
  }

  /** Aborts when time is up. */
  get signal(): AbortSignal {
    return this.#out.signal;
  }

  /** Something is away: the clock runs, unless it does already. */
  worry(): void {
    if (this.#limitMs !== null) this.#timer ??= setTimeout(() => this.#out.abort(), this.#limitMs);
  }

  /** It gets on: the clock stops. */
  calm(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  /** Throws `timed_out` when time is up. */
  check(): void {
    if (!this.#out.signal.aborted) return;
    throw new PgveilError('timed_out', `nothing went on for ${(this.#limitMs ?? 0) / 1000} s`);
  }
}
