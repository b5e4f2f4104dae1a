import type { Lsn } from './lsn.ts';
import type { Shape } from './table.ts';

/** The last transaction received: what a start must find again in the WAL to believe that it is the same history. */
export interface Witness {
  /** LSN of its commit record (BEGIN.final_lsn). */
  readonly clsn: Lsn;
  readonly xid: number;
  /** Microseconds since 2000-01-01 UTC, as pgoutput sends them. */
  readonly commitTime: bigint;
}

/** Which server, which line of its history, which database and slot a position belongs to. */
export interface History {
  readonly systemIdentifier: string;
  readonly timeline: number;
  readonly databaseOid: number;
  readonly slot: string;
}

/** Whether oids and positions mean the same in both. */
export function isSameDatabase(one: History, other: History): boolean {
  return one.systemIdentifier === other.systemIdentifier && one.databaseOid === other.databaseOid;
}

/** Where the stream stands. A transaction is already applied iff its clsn < pos, strictly: adjacent commits share A.elsn == B.clsn. */
export interface Position {
  /** elsn (COMMIT.end_lsn) of the last transaction, or the keepalive's walEnd on an idle server. */
  readonly pos: Lsn;
  /** Null until the first transaction after the copy. */
  readonly witness: Witness | null;
  readonly history: History;
}

/** Which attnum each configured name was bound to when the table was taken in. Decisions move with the attnum. */
export interface Binding {
  /** Counts the bindings of this table; the newest among all checkpoints is in force. */
  readonly number: number;
  readonly columns: readonly { readonly attnum: number; readonly name: string }[];
}

export type TableState =
  | { readonly state: 'streaming' }
  | { readonly state: 'stale'; readonly since: Lsn; readonly reason: string }
  | { readonly state: 'halted'; readonly code: string }
  | { readonly state: 'absent' };

type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/**
 * What the source noted of a table to notice, after a restart too, what no change tells of: a partition detached, values rewritten in place.
 * The source alone knows what it means; everybody else keeps it as it is, and reads of it only what this type names.
 */
export type Fingerprint = {
  readonly [mark: string]: Json;
  /** attnums of columns that were generated and so not copied: they are no new ones when they are ordinary later. Absent from an entry of an older pgveil. */
  readonly generated?: readonly number[];
};

/** What people ordered for a table, and what of it is not done yet: a start goes on with it. */
export interface Order {
  /** A new copy, whatever its state and its size. */
  readonly copy: boolean;
  /** Hash of the one definition that a person approved: a copy may bind the configuration's names to it, and to no other. */
  readonly approved: string | null;
  /** `run --recopy` named the table at the last start, so that it orders nothing when it is named again. */
  readonly byFlag: boolean;
  /** How many copies were ordered so far, those that are done included: a sink that was away has heard of fewer. */
  readonly count: number;
}

export const NOTHING_ORDERED: Order = { copy: false, approved: null, byFlag: false, count: 0 };

/** Why a table is stale that could have gone on. It is stored in entries. */
export const ASKED_FOR = 'a new copy was asked for';

/** What a checkpoint knows of one table. Only a finished copy leads back to `streaming`. A start believes this, never the plan hash alone. */
export interface TableEntry {
  readonly oid: number;
  /** The oids that its name was bound to before, the latest last. A table of one of them is no stranger under another name. */
  readonly formerly: readonly number[];
  readonly binding: Binding;
  readonly shape: Shape;
  /** As of the position that it became durable with; null where the table was never copied. */
  readonly fingerprint: Fingerprint | null;
  /** Hash of the plan (decisions, key's fingerprint, each transform's version and dictionary). */
  readonly plan: string;
  /** Fingerprint of the redaction key, to tell a changed key from a changed rule. */
  readonly key: string;
  readonly generation: number;
  readonly state: TableState;
  readonly order: Order;
}

/** The number of its binding; 0 where names were never bound. */
export function bindingOf(entry: TableEntry | undefined): number {
  return entry?.binding.number ?? 0;
}

/** Whether names were ever bound to the table's columns: not for one that stopped before it was ever copied. */
export function isBound(entry: TableEntry | undefined): entry is TableEntry {
  return entry !== undefined && entry.binding.number > 0;
}

/** What was bound anew since these entries were: of each such table the entry with the later binding. */
export function boundSince(
  entries: Checkpoint['tables'],
  newest: Checkpoint['tables'],
): readonly (readonly [string, TableEntry])[] {
  return [...newest].filter(([name, entry]) => bindingOf(entry) > bindingOf(entries.get(name)));
}

/** The entry of a copy that has only begun: a start must not take it for finished, also where beginning and end came in one batch. */
export function unfinished(entry: TableEntry): TableEntry {
  return entry.state.state === 'streaming' ? { ...entry, state: { state: 'absent' } } : entry;
}

/** A sink's durable state: it lives with the data, and nowhere else. */
export interface Checkpoint {
  /** Null until the first copy of everything is finished. */
  readonly position: Position | null;
  /** By table name. */
  readonly tables: ReadonlyMap<string, TableEntry>;
}

/**
 * Version of the stored form. A checkpoint with a higher one is refused: it was written by a newer pgveil. One with a lower one lacks
 * what a start has to know (1 had no fingerprints, 2 no orders), and everything is copied again.
 */
export const CHECKPOINT_FORMAT = 3;
