import type { Fingerprint, TableEntry, TableState } from '../src/core/checkpoint.ts';
import { ERRORS, PgveilError } from '../src/core/errors.ts';
import { shapeOf, type Table } from '../src/core/table.ts';
import type { Plan } from './plan.ts';

/** The checkpoint's entries as they stand after the batch in hand, and those that it changes. */
export class Entries {
  readonly all: Map<string, TableEntry>;
  /** Of the present redaction key. */
  readonly #keyFingerprint: string;
  #changed = new Map<string, TableEntry>();

  constructor(stored: ReadonlyMap<string, TableEntry>, keyFingerprint: string) {
    this.all = new Map(stored);
    this.#keyFingerprint = keyFingerprint;
  }

  isStreaming(name: string): boolean {
    return this.all.get(name)?.state.state === 'streaming';
  }

  /** What the table was stays as it was said to be, stale or halted, until the copy is finished. */
  startCopy(
    table: Table<'raw'>,
    { binding, table: { plan } }: Plan,
    generation: number,
    fingerprint: Fingerprint,
  ): void {
    const { oid, name } = table;
    const before = this.all.get(name)?.state;
    const state = before && before.state !== 'streaming' ? before : ({ state: 'absent' } as const);
    const key = this.#keyFingerprint;
    this.#set(name, { oid, binding, shape: shapeOf(table), fingerprint, plan, key, generation, state });
  }

  /** The table's content is what it was, and its definition what it was bound as; only its state changes. */
  setState(name: string, state: TableState, oid: number): void {
    this.#set(name, { ...(this.all.get(name) ?? this.#neverBound(oid)), state });
  }

  /** Of a table that was copied. */
  note(name: string, fingerprint: Fingerprint): void {
    this.#set(name, { ...this.all.get(name)!, fingerprint });
  }

  /** The entries changed since the last call. */
  takeChanged(): ReadonlyMap<string, TableEntry> {
    const changed = this.#changed;
    this.#changed = new Map();
    return changed;
  }

  #set(name: string, entry: TableEntry): void {
    this.all.set(name, entry);
    this.#changed.set(name, entry);
  }

  /** Of a table that stopped before its first copy: there is nothing yet that a later definition could differ from. */
  #neverBound(oid: number): Omit<TableEntry, 'state'> {
    return {
      oid,
      binding: { number: 0, columns: [] },
      shape: { columns: [], key: [], identity: 'default' },
      fingerprint: null,
      plan: '',
      key: this.#keyFingerprint,
      generation: 0,
    };
  }
}

/** Under another key one person would have two pseudonyms: throws `key_changed` where a configured table was copied under one. */
export function refuseOtherKey(
  entries: ReadonlyMap<string, TableEntry>,
  configured: Iterable<string>,
  fingerprint: string,
): void {
  for (const name of configured) {
    const entry = entries.get(name);
    if (entry && entry.key !== fingerprint) throw new PgveilError('key_changed', ERRORS.key_changed.means);
  }
}
