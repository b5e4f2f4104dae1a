import type { RawBatch, RedactedBatch } from './batch.ts';
import type { TableEntry } from './checkpoint.ts';
import type { Rules } from './source.ts';
import type { Table } from './table.ts';

/**
 * What the command line of a start orders. `recopy` and `approve` are recorded in the checkpoint, and order nothing when they are given again.
 * What is accepted is not: the same key or source is nothing new at the next start, but any other one is accepted as well.
 */
export interface Orders {
  /** Tables to be copied anew. */
  readonly recopy: ReadonlySet<string>;
  /** Definitions approved, by table: their hashes. */
  readonly approve: ReadonlyMap<string, string>;
  /** Another redaction key than that of the sinks: everything is copied anew under it. */
  readonly acceptKey: boolean;
  /** Another history of the source than that of the sinks: everything is copied anew from it. */
  readonly acceptSource: boolean;
}

export const NO_ORDERS: Orders = { recopy: new Set(), approve: new Map(), acceptKey: false, acceptSource: false };

/** A definition whose names have moved, for a person to look at. */
export interface Approval {
  /** Of this definition, and of the binding it would take the place of. */
  readonly hash: string;
  /** Old and new names, in words. */
  readonly moved: string;
}

/** What names were bound to in any session of this process, or as a sink was read. It changes while others read beside this one. */
export interface Names {
  /** Whether it is known of each sink. As long as it is not, no table is taken in by name: it halts, see `names_unknown`. */
  readonly areKnown: boolean;
  /** Of each table that was ever bound, the entry with its newest binding. */
  readonly newest: ReadonlyMap<string, TableEntry>;
}

/** Nothing is known but what a session’s own entries say. */
export const NO_OTHER_NAMES: Names = { areKnown: true, newest: new Map() };

/** What else is known where a redactor starts anew. */
export interface Opening {
  /** Tables that a sink could not go on with, name to code: their entries change with the first batch, before any of their changes would. */
  readonly halts?: ReadonlyMap<string, string>;
  /** The entries that it changes change with the first batch, too. */
  readonly orders?: Orders;
  /** Tables that not every sink holds as the entries have it. */
  readonly apart?: ReadonlySet<string>;
  /** Asked whenever something would be taken in by name. */
  readonly names?: Names;
}

/** The one place where raw becomes redacted. */
export interface Redactor extends Rules {
  /** Starts anew from what is durable. Returns the entries as they stand then. */
  open(entries: ReadonlyMap<string, TableEntry>, opening?: Opening): ReadonlyMap<string, TableEntry>;
  /**
   * The source is another database: an oid that is known from the one before means nothing in it. Called before the first of its tables.
   * `names`: what others bind in this one.
   */
  unbind(names: Names): void;
  /** What a person would approve; null where no name has moved. */
  approval(table: Table<'raw'>): Approval | null;
  /** Rows, before-images and keys by the plan of their table; the changes of stopped tables are left out. */
  redact(batch: RawBatch): RedactedBatch;
}
