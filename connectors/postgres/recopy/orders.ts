import type { TableEvent } from '../../../src/core/batch.ts';

type Ordered = Extract<TableEvent<'raw'>, { readonly type: 'ordered' }>;

/** Copies that people ordered: to be told to whoever reads, since that makes them durable, and to be begun by whoever copies. */
export class Orders {
  #names = new Set<string>();
  #events: Ordered[] = [];

  give(name: string, approved: string | null): void {
    this.#names.add(name);
    this.#events.push({ type: 'ordered', name, approved });
  }

  /** Has the order told once more, and not begun again. */
  repeat(name: string): void {
    this.#events.push({ type: 'ordered', name, approved: null });
  }

  /** What was ordered since this was called last. */
  takeEvents(): readonly Ordered[] {
    const events = this.#events;
    this.#events = [];
    return events;
  }

  /** The tables of which a copy was ordered since this was called last. */
  takeNames(): readonly string[] {
    const names = [...this.#names];
    this.#names = new Set();
    return names;
  }
}
