import type { Observe } from '../src/core/observer.ts';

/** Counts the cells of a batch that went out as NULL because their rule failed. */
export class Withheld {
  readonly #tables = new Map<string, Map<string, number>>();

  add(table: string, column: string): void {
    const columns = this.#tables.get(table) ?? new Map<string, number>();
    this.#tables.set(table, columns.set(column, (columns.get(column) ?? 0) + 1));
  }

  /** Tells what was counted since the last call. */
  report(observe: Observe): void {
    for (const [table, columns] of this.#tables) {
      for (const [column, cells] of columns) observe({ type: 'withheld', table, column, cells });
    }
    this.#tables.clear();
  }
}
