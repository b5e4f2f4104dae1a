import type pg from 'pg';
import { RandomChanges } from '../random/changes.ts';
import type { Random } from '../random/prng.ts';

/** Transactions in a table of their own that stay open for a while: a slot and a snapshot made meanwhile have to do without them. */
export class Slow implements AsyncDisposable {
  readonly #client: pg.Client;
  readonly #random: Random;
  readonly #changes: RandomChanges;
  #isOpen = false;

  private constructor(client: pg.Client, random: Random, changes: RandomChanges) {
    this.#client = client;
    this.#random = random;
    this.#changes = changes;
  }

  /** `client`: a superuser's session of its own, which it ends. */
  static async begin(client: pg.Client, url: string, random: Random, table: string): Promise<Slow> {
    return new Slow(client, random, await RandomChanges.open(client, url, random, [table]));
  }

  /** Begins one, or goes on with it, or ends it. */
  async goOn(): Promise<void> {
    if (!this.#isOpen) await this.#client.query('BEGIN');
    this.#isOpen = true;
    await this.#client.query(this.#changes.statements(5).statements.join(';\n'));
    if (this.#random.chance(0.4)) await this.commit();
  }

  async commit(): Promise<void> {
    if (this.#isOpen) await this.#client.query('COMMIT');
    this.#isOpen = false;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#client.end();
  }
}
