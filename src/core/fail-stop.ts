import { type ErrorCode, PgveilError } from './errors.ts';

/**
 * What lasts from `open` to `close`, and stops at its first failure (fail-stop: Schlichting and Schneider, 1983). All that is asked of it
 * from then on, or was under way, fails for that one until it is opened again: an operator must hear *why* a sink failed, and what fails
 * behind it says no more than `closed`.
 */
export class FailStop<T> {
  readonly #closed: ErrorCode;
  readonly #end: (opened: T, reason: unknown) => void | Promise<void>;
  #opened: T | null = null;
  #failure: unknown = null;

  /** `closed`: the code where nothing failed. `end` lets go of what is open; its `reason` is for those who wait for something of it. */
  constructor(closed: ErrorCode, end: (opened: T, reason: unknown) => void | Promise<void>) {
    this.#closed = closed;
    this.#end = end;
  }

  /** Closes what is open, forgets what failed, and holds what `make` gives; where that fails it stays closed. */
  async open(make: () => Promise<T>): Promise<T> {
    await this.close();
    this.#failure = null;
    const opened = await make();
    this.#opened = opened;
    return opened;
  }

  /** What is open. Throws what ended it. */
  opened(): T {
    if (this.#opened === null) throw this.#reason();
    return this.#opened;
  }

  /** Runs `work`. Where that fails it leaves what is open incomplete: nobody may go on with it, so it is closed. */
  async orClose<R>(work: (opened: T) => Promise<R>): Promise<R> {
    const opened = this.opened();
    try {
      const result = await work(opened);
      if (this.#opened === opened) return result;
    } catch (error) {
      if (this.#opened === opened) {
        this.#failure = error;
        await this.close().catch(() => {}); // where it does not even close, that is not what failed first
        throw error;
      }
    }
    throw this.#reason(); // closed meanwhile: whatever came of the work came too late
  }

  /** Safe to call at any time, also twice. */
  async close(): Promise<void> {
    const opened = this.#opened;
    this.#opened = null;
    if (opened !== null) await this.#end(opened, this.#reason());
  }

  #reason(): unknown {
    return this.#failure ?? new PgveilError(this.#closed, 'closed');
  }
}
