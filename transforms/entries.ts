import {
  ASKED_FOR,
  boundSince,
  type Fingerprint,
  isBound,
  NOTHING_ORDERED,
  type TableEntry,
  type TableState,
} from '../src/core/checkpoint.ts';
import { type Names, NO_OTHER_NAMES } from '../src/core/redactor.ts';
import { shapeOf, type Table } from '../src/core/table.ts';
import type { Plan } from './plan.ts';

/** The checkpoint's entries as they stand after the batch in hand, and those that it changes. */
export class Entries {
  readonly all: Map<string, TableEntry>;
  /** Of the present redaction key. */
  readonly #keyFingerprint: string;
  #names: Names;
  #changed = new Map<string, TableEntry>();

  constructor(stored: ReadonlyMap<string, TableEntry>, keyFingerprint: string, names = NO_OTHER_NAMES) {
    this.all = new Map(stored);
    this.#keyFingerprint = keyFingerprint;
    this.#names = names;
  }

  /** Whether it is known of each sink what it bound names to. */
  get areNamesKnown(): boolean {
    return this.#names.areKnown;
  }

  /** All entries; of tables that others bound since, as they bound them. */
  get everywhere(): ReadonlyMap<string, TableEntry> {
    const since = boundSince(this.all, this.#names.newest);
    if (since.length === 0) return this.all;
    const all = new Map(this.all);
    for (const [name, entry] of since) {
      all.set(name, asBoundBy(entry, this.all.get(name) ?? neverBound(entry.oid, this.#keyFingerprint)));
    }
    return all;
  }

  isStreaming(name: string): boolean {
    return this.all.get(name)?.state.state === 'streaming';
  }

  /** What the table was stays as it was said to be, stale or halted, until the copy is finished; one that was never bound is absent until then. */
  startCopy(
    table: Table<'raw'>,
    { binding, table: { plan } }: Plan,
    generation: number,
    fingerprint: Fingerprint,
  ): void {
    const { oid, name } = table;
    const before = this.all.get(name) ?? neverBound(oid, this.#keyFingerprint);
    const isAbsent = before.state.state === 'streaming' || !isBound(before);
    const state = isAbsent ? ({ state: 'absent' } as const) : before.state;
    const formerly = formerOids(this.everywhere.get(name) ?? before, oid);
    // What was approved is bound by now.
    const order = { ...before.order, approved: null };
    const key = this.#keyFingerprint;
    this.#set(name, {
      oid,
      formerly,
      binding,
      shape: shapeOf(table),
      fingerprint,
      plan,
      key,
      generation,
      state,
      order,
    });
  }

  /** The table's content is what it was, and its definition what it was bound as; only its state changes. */
  setState(name: string, state: TableState, oid: number): void {
    const before = this.all.get(name) ?? neverBound(oid, this.#keyFingerprint);
    // A copy that is finished was what was ordered. One that halts is for a person to order again, who has something to mend first.
    const isOver = state.state === 'streaming' || state.state === 'halted';
    const order = isOver ? { ...before.order, copy: false, approved: null } : before.order;
    this.#set(name, { ...before, state, order });
  }

  /** To be done, and not to be forgotten. What halted the table is over, unless it streams or is being copied: then its source stops it first. */
  order(name: string, approved: string | null, isGoing: boolean): void {
    const before = this.all.get(name) ?? neverBound(0, this.#keyFingerprint);
    const count = before.order.count + Number(!before.order.copy);
    const order = { ...before.order, copy: true, approved: approved ?? before.order.approved, count };
    this.#set(name, { ...before, order, state: isGoing ? before.state : dueState(before.state, ASKED_FOR) });
  }

  /** What nothing came of: the table goes on as it is. */
  forgetApproval(name: string): void {
    const before = this.all.get(name);
    if (before?.order.approved) this.#set(name, { ...before, order: { ...before.order, approved: null } });
  }

  /** Nothing that is known by an oid counts any more, but what these say. */
  unbind(names: Names): void {
    this.#names = names;
    const known = names.newest;
    for (const [name, entry] of this.all) {
      const bound = known.get(name);
      this.#set(name, isBound(bound) ? asBoundBy(bound, entry) : { ...entry, oid: 0, formerly: [] });
    }
  }

  /** As a start makes them of those that are stored. */
  replace(entries: ReadonlyMap<string, TableEntry>): void {
    for (const [name, entry] of entries) if (entry !== this.all.get(name)) this.#set(name, entry);
  }

  /** They stay what they are, and somebody does not know it. */
  tell(names: Iterable<string>): void {
    for (const name of names) this.#set(name, this.all.get(name)!);
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
}

/** Bound as there; what becomes of the table here is what it was. */
function asBoundBy(there: TableEntry, { generation, state, order }: TableEntry): TableEntry {
  return { ...there, generation, state, order };
}

/** Of a table that stopped before its first copy: there is nothing yet that a later definition could differ from. */
export function neverBound(oid: number, key: string): TableEntry {
  return {
    oid,
    formerly: [],
    binding: { number: 0, columns: [] },
    shape: { columns: [], key: [], identity: 'default' },
    fingerprint: null,
    plan: '',
    key,
    generation: 0,
    state: { state: 'absent' },
    order: NOTHING_ORDERED,
  };
}

/** What a table is that was ordered: what the sinks have of it stays, readable; what was never there is still to come. */
export function dueState(state: TableState, reason: string): TableState {
  return state.state === 'streaming' || state.state === 'halted' ? { state: 'stale', since: 0n, reason } : state;
}

/** A table made anew every night must not make its entry longer every night. */
const MOST_FORMER_OIDS = 16;

function formerOids({ oid: before, formerly, binding }: TableEntry, oid: number): readonly number[] {
  if (before === oid || before === 0 || binding.number === 0) return formerly;
  return [...formerly.filter((one) => one !== before && one !== oid), before].slice(-MOST_FORMER_OIDS);
}
