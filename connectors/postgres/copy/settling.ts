import type { PgveilError } from '../../../src/core/errors.ts';

/** Whether a copy is ready for changes, or why it came to nothing; false where nothing is to be said of it any more. */
export type Settled = boolean | PgveilError;

/** What the sinks say of copies, once of each. Either side may come first. */
export class Settling {
  readonly #known = new Map<string, PromiseWithResolvers<Settled>>();

  tell(table: string, generation: number, settled: Settled): void {
    this.#of(table, generation).resolve(settled);
  }

  async told(table: string, generation: number): Promise<Settled> {
    return await this.#of(table, generation).promise;
  }

  #of(table: string, generation: number): PromiseWithResolvers<Settled> {
    const key = `${generation} ${table}`;
    const known = this.#known.get(key) ?? Promise.withResolvers<Settled>();
    this.#known.set(key, known);
    return known;
  }
}
