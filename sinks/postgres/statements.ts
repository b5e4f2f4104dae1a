import type { Client } from 'pg';
import { Execution, type Outcome } from './execution.ts';
import { query } from './query.ts';

/** The server keeps a plan of some ten kilobytes for each. */
const MOST_STATEMENTS = 1000;

/** Statements that come again and again: the server parses and plans each of them once. */
export class Statements {
  readonly #client: Client;
  readonly #names = new Map<string, string>();
  #count = 0;

  constructor(client: Client) {
    this.#client = client;
  }

  /** Parameters are in the binary form of their types. Rejects with what the driver said. */
  async run(text: string, parameters: readonly Buffer[]): Promise<Outcome> {
    const known = this.#names.get(text);
    const name = known ?? (await this.#name(text));
    const execution = new Execution({ name, text, isNew: known === undefined }, parameters);
    this.#client.query(execution);
    return await execution.outcome;
  }

  async #name(text: string): Promise<string> {
    if (this.#names.size >= MOST_STATEMENTS) {
      await query(this.#client, 'DEALLOCATE ALL');
      this.#names.clear();
    }
    const name = `pgveil_${++this.#count}`;
    this.#names.set(text, name);
    return name;
  }
}
