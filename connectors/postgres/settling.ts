/** What the sinks say of copies: whether one that was read to its end is ready for changes. Either side may come first. */
export class Settling {
  readonly #known = new Map<string, PromiseWithResolvers<boolean>>();

  tell(table: string, generation: number, isWhole: boolean): void {
    this.#of(table, generation).resolve(isWhole);
  }

  /** False where a sink, or the redactor, gave it up. */
  async told(table: string, generation: number): Promise<boolean> {
    return await this.#of(table, generation).promise;
  }

  #of(table: string, generation: number): PromiseWithResolvers<boolean> {
    const key = `${generation} ${table}`;
    const known = this.#known.get(key) ?? Promise.withResolvers<boolean>();
    this.#known.set(key, known);
    return known;
  }
}
