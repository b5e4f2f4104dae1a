import { ruleOf, type Tables } from '../test/support/judge/decisions.ts';
import type { Row } from './people.ts';

/** Shorter ones could be in a file by chance: `1985`, `oak`. */
const SHORTEST = 6;

/** Every value that the shop ever wrote into a column that is not kept. None may be found anywhere beyond pgveil. */
export class RawValues {
  readonly values = new Set<string>();
  readonly #tables: Tables;

  constructor(tables: Tables) {
    this.#tables = tables;
  }

  /** Called with each row, and each part of a row, that goes to the source. */
  add(table: string, row: Row): void {
    for (const [column, value] of Object.entries(row)) {
      const decision = this.#tables[`public.${table}`]?.columns[column] ?? 'null';
      if (ruleOf(decision).name === 'keep' || typeof value !== 'string') continue;
      if (value.length >= SHORTEST) this.values.add(value);
    }
  }
}
