import assert from 'node:assert/strict';
import type pg from 'pg';
import type { Trial } from './trial.ts';

const LOOK_EVERY_MS = 100;
const UNDEFINED_TABLE = '42P01';

/** A table `steady (id integer PRIMARY KEY)` that gets one row after the other: whenever somebody looks, its twin has all up to some row. */
export class Steady implements AsyncDisposable {
  readonly #twin: pg.Client;
  #rows = 0;
  #gap: string | null = null;
  #looking: Promise<void> = Promise.resolve();
  readonly #timer: NodeJS.Timeout;

  /** `twin`: a session of its own, which it ends. */
  constructor(twin: pg.Client) {
    this.#twin = twin;
    this.#timer = setInterval(() => {
      this.#looking = this.#looking.then(() => this.#look());
    }, LOOK_EVERY_MS);
  }

  async write({ source }: Trial): Promise<void> {
    await source.query('INSERT INTO steady VALUES ($1)', [++this.#rows]);
  }

  /** Fails if there ever was a gap, or if not all of it is there. */
  async assertWhole(): Promise<void> {
    await this.#looking;
    assert.equal(this.#gap, null);
    const { rows } = await this.#twin.query('SELECT count(*)::int AS n FROM steady');
    assert.equal(rows[0].n, this.#rows);
  }

  async #look(): Promise<void> {
    try {
      const { rows } = await this.#twin.query('SELECT count(*)::int AS n, coalesce(max(id), 0) AS last FROM steady');
      const { n, last } = rows[0];
      if (n !== last) this.#gap ??= `${n} rows up to number ${last}`;
    } catch (error) {
      if ((error as { code?: string }).code !== UNDEFINED_TABLE) this.#gap ??= String(error);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer);
    await this.#looking;
    await this.#twin.end();
  }
}
