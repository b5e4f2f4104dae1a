import type { Client, QueryResult } from 'pg';
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

  /** Values as text, or as Buffer in the binary form of their type. Rejects with what the driver said. */
  async run(text: string, values: readonly (string | Buffer)[]): Promise<QueryResult<Record<string, string | null>>> {
    const name = this.#names.get(text) ?? (await this.#name(text));
    return await this.#client.query({ name, text, values: [...values] });
  }

  async #name(text: string): Promise<string> {
    if (this.#names.size >= MOST_STATEMENTS) {
      await query(this.#client, 'DEALLOCATE ALL');
      this.#names.clear();
    }
    // Never a name again: the driver remembers those that it has prepared.
    const name = `pgveil_${++this.#count}`;
    this.#names.set(text, name);
    return name;
  }
}
