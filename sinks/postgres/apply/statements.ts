import type { Explain, Outcome, Parameter, Pipeline } from '../../../src/postgres/pipeline.ts';

/** Those of one execution. */
export type Parameters = readonly Parameter[];

/** The server keeps a plan of some ten kilobytes for each. */
const MOST_STATEMENTS = 1000;

/** Statements that come again and again: the server parses and plans each of them once. */
export class Statements {
  readonly #pipeline: Pipeline;
  readonly #names = new Map<string, string>();
  #count = 0;

  constructor(pipeline: Pipeline) {
    this.#pipeline = pipeline;
  }

  /** Sends it. See Pipeline. */
  run(text: string, parameters: Parameters, explain: Explain): Promise<Outcome> {
    const known = this.#names.get(text);
    const name = known ?? this.#name(text, explain);
    return this.#pipeline.execute({ name, text, isNew: known === undefined }, parameters, explain);
  }

  #name(text: string, explain: Explain): string {
    if (this.#names.size >= MOST_STATEMENTS) {
      this.#pipeline.execute({ name: '', text: 'DEALLOCATE ALL', isNew: true }, [], explain);
      this.#names.clear();
    }
    const name = `pgveil_${++this.#count}`;
    this.#names.set(text, name);
    return name;
  }
}
