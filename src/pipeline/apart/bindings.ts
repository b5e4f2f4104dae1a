import { bindingOf, type Checkpoint, type TableEntry } from '../../core/checkpoint.ts';

/**
 * What names were bound to, as far as any sink's checkpoint says so. A sink that answers may know less than one that is away: by name alone it
 * would take in, and send raw, whatever took a name since.
 */
export class Bindings {
  readonly #unread: Set<string>;
  readonly #newest = new Map<string, TableEntry>();

  constructor(sinks: Iterable<string>) {
    this.#unread = new Set(sinks);
  }

  read(sink: string, { tables }: Checkpoint): void {
    this.#unread.delete(sink);
    for (const [name, entry] of tables) {
      if (bindingOf(entry) > bindingOf(this.#newest.get(name))) this.#newest.set(name, entry);
    }
  }

  /** Whether each sink was read once in the life of this process. What one binds while others read beside it they learn when they begin again. */
  get areKnown(): boolean {
    return this.#unread.size === 0;
  }

  /** Of each table that any sink bound, the entry with its newest binding. */
  get newest(): ReadonlyMap<string, TableEntry> {
    return this.#newest;
  }
}
