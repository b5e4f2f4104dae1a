import { nameOf, type RedactedBatch, type TableEvent } from '../../core/batch.ts';
import type { TableEntry } from '../../core/checkpoint.ts';

type Event = TableEvent<'redacted'>;

/** What is known of the tables, as of what was read last. */
export class Tables {
  readonly entries: Map<string, TableEntry>;
  readonly #copying = new Set<string>();

  constructor(entries: ReadonlyMap<string, TableEntry>) {
    this.entries = new Map(entries);
  }

  get isCopying(): boolean {
    return this.#copying.size > 0;
  }

  follow({ entries, events }: RedactedBatch): void {
    for (const [name, entry] of entries) this.entries.set(name, entry);
    for (const event of events) {
      if (event.type === 'copy started') this.#copying.add(nameOf(event));
      else if (endsCopy(event) || event.type === 'stopped') this.#copying.delete(nameOf(event));
    }
  }
}

export function endsCopy({ type }: Event): boolean {
  return type === 'copy finished';
}
