import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';

const PAUSE_MS = 50;
/** The view shows the lag of the last while, not of the whole day. */
const REMEMBERED = 600;

export interface Lag {
  readonly p50: number;
  readonly p99: number;
}

/**
 * The lag as a reader of the twin meets it: commits a beat on the source, asks the twin until it shows, and notes the
 * time from the return of the commit to that answer, in milliseconds.
 */
export class Heartbeat {
  readonly #source: pg.ClientBase;
  readonly #twin: pg.ClientBase;
  #beat = 0;
  #lags: number[] = [];

  /** Each client is the heartbeat's alone. */
  constructor(source: pg.ClientBase, twin: pg.ClientBase) {
    this.#source = source;
    this.#twin = twin;
  }

  /** Null until the first beat has come through. */
  get lag(): (Lag & { readonly last: number }) | null {
    const last = this.#lags.at(-1);
    if (last === undefined) return null;
    const sorted = this.#lags.toSorted((a, b) => a - b);
    const quantile = (share: number) => sorted[Math.ceil(sorted.length * share) - 1]!;
    return { last, p50: quantile(0.5), p99: quantile(0.99) };
  }

  /** Beats until the signal. The twin must have the table already. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const beat = await this.#strike();
      const committed = performance.now();
      while (!signal.aborted && (await this.#shown()) < beat) await sleep(1);
      if (signal.aborted) return;
      this.#lags.push(Math.round((performance.now() - committed) * 10) / 10);
      if (this.#lags.length > REMEMBERED) this.#lags.shift();
      await sleep(PAUSE_MS);
    }
  }

  async #strike(): Promise<number> {
    await this.#source.query('UPDATE heartbeat SET beat = $1', [++this.#beat]);
    return this.#beat;
  }

  async #shown(): Promise<number> {
    const { rows } = await this.#twin.query('SELECT beat FROM heartbeat');
    return rows[0]?.beat ?? 0;
  }
}
