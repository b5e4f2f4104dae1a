import type { RawBatch } from '../../../src/core/batch.ts';
import { PgveilError } from '../../../src/core/errors.ts';
import type { Observe } from '../../../src/core/observer.ts';
import { type Due, reasonOf } from './due.ts';
import { NOTHING, type Offers } from './offers.ts';

export type Copy = (
  names: readonly string[],
  generationOf: (name: string) => number,
  signal: AbortSignal,
) => AsyncGenerator<RawBatch, readonly string[]>;

export interface LineOptions {
  readonly due: Due;
  readonly offers: Offers;
  readonly observe: Observe;
  /** One copy of these tables, in these generations, beside the stream: see `recopy`. Returns those that stream now. */
  readonly copy: Copy;
}

/** Copies one after another. What is in the way of one of them is no other line's business. */
export class Line {
  readonly #options: LineOptions;
  #work: Promise<void> | null = null;

  constructor(options: LineOptions) {
    this.#options = options;
  }

  get isFree(): boolean {
    return this.#work === null;
  }

  /** Begins a copy of these tables, in a free line. Resolves when it is over; rejects with what is no trouble of a copy's. */
  async copy(names: readonly string[], signal: AbortSignal): Promise<void> {
    this.#work = this.#attempt(names, signal);
    try {
      await this.#work;
    } finally {
      this.#work = null;
    }
  }

  /** Resolves when no copy is under way. */
  async ended(): Promise<void> {
    await this.#work?.catch(() => {});
  }

  async #attempt(names: readonly string[], signal: AbortSignal): Promise<void> {
    const { due, observe, offers } = this.#options;
    for (const table of names) {
      const why = reasonOf(due.stateOf(table));
      due.begin(table, performance.now());
      observe({ type: 'copy step', table, generation: due.generationOf(table), step: 'due', why });
    }
    const streaming = await this.#run(names, signal);
    const left = names.filter((name) => !streaming.includes(name) && due.isCopying(name));
    const events = left.map((name) => due.stopped(name));
    if (events.length > 0) await offers.hand({ ...NOTHING, events }, signal);
  }

  /** Returns those that stream now. Whatever is in the way of a copy is in the way of the next one as well, or passes until then. */
  async #run(names: readonly string[], signal: AbortSignal): Promise<readonly string[]> {
    const { due, observe, offers } = this.#options;
    const copy = this.#options.copy(names, (name) => due.generationOf(name), signal);
    try {
      for (;;) {
        const { done, value } = await copy.next();
        if (done) return value;
        await offers.hand(value, signal);
      }
    } catch (error) {
      if (signal.aborted || !(error instanceof PgveilError)) throw error;
      const { code, message, fix, kind } = error;
      for (const table of names) {
        due.failed(table, message);
        observe({ type: 'warning', table, code, message, fix });
      }
      if (kind.retry === 'person') due.obstructed(names);
      return [];
    } finally {
      await copy.return([]);
    }
  }
}
