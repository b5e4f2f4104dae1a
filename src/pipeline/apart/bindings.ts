import { bindingOf, type Checkpoint, type TableEntry } from '../../core/checkpoint.ts';
import type { Names } from '../../core/redactor.ts';

type Entries = Checkpoint['tables'];

/**
 * What names were bound to, as far as any sink's checkpoint or any session says so. A sink that answers may know less than one that is away, and
 * a session less than one beside it: by name alone either would take in, and send raw, whatever took a name since.
 */
export class Bindings implements Names {
  readonly #unread: Set<string>;
  readonly #durable = new Map<string, TableEntry>();
  readonly #newest = new Map<string, TableEntry>();

  constructor(sinks: Iterable<string>) {
    this.#unread = new Set(sinks);
  }

  /** `tables`: what it holds. */
  read(sink: string, tables: Entries): void {
    this.#unread.delete(sink);
    keepNewest(this.#durable, tables);
    this.bound(tables);
  }

  /** By a session, from now on for those beside it as well: nobody is to wait for it to be durable, nor whether it ever will be. */
  bound(tables: Entries): void {
    keepNewest(this.#newest, tables);
  }

  /** Whether each sink was read once in the life of this process. */
  get areKnown(): boolean {
    return this.#unread.size === 0;
  }

  get newest(): Entries {
    return this.#newest;
  }

  /** As the sinks had it when they were read: what a session begins with. */
  get durable(): Entries {
    return this.#durable;
  }
}

function keepNewest(kept: Map<string, TableEntry>, tables: Entries): void {
  for (const [name, entry] of tables) if (bindingOf(entry) > bindingOf(kept.get(name))) kept.set(name, entry);
}
