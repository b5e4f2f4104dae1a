import type { Fingerprint, Position, TableEntry, TableState } from './checkpoint.ts';
import type { Lsn } from './lsn.ts';
import type { RedactedTable, Table } from './table.ts';
import type { Stage, Tuple } from './tuple.ts';

type TableOf<S extends Stage> = S extends 'redacted' ? RedactedTable : Table<'raw'>;

/** The source transaction that a change belongs to; one object shared by all of its changes. */
export interface Transaction {
  /** BEGIN.final_lsn; of a read: the copy's consistent point. */
  readonly clsn: Lsn;
  /** Null for the reads of a copy. */
  readonly xid: number | null;
  /** Microseconds since 2000-01-01 UTC. */
  readonly commitTime: bigint;
}

export interface Change<S extends Stage> {
  readonly op: 'read' | 'insert' | 'update' | 'delete' | 'truncate';
  readonly table: TableOf<S>;
  readonly transaction: Transaction;
  /** Ordinal in the transaction, from 1; 0 for reads. */
  readonly seq: number;
  /** The old image: of an update only where Postgres sent one, of a delete always. */
  readonly before: Tuple<S> | null;
  /** Whether `before` holds the key alone (its other cells are NULL and mean nothing) or, under REPLICA IDENTITY FULL, the whole row. */
  readonly beforeIs: 'key' | 'row';
  /** The new image of a read, an insert, an update. */
  readonly after: Tuple<S> | null;
}

/** What happens to tables travels in order with the rows. There is no other way to define a table. */
export type TableEvent<S extends Stage> =
  /** From here on this definition is in force. First of all events of a table after every (re)start. */
  | { readonly type: 'defined'; readonly table: TableOf<S>; readonly generation: number }
  | CopyStarted<S>
  /** All rows of the chunk were sent: they may be committed. */
  | { readonly type: 'chunk finished'; readonly table: TableOf<S>; readonly chunk: number }
  /** What was sent of the chunk is void (a guard failed, or somebody waited behind our lock); it comes again under another number. */
  | { readonly type: 'chunk abandoned'; readonly table: TableOf<S>; readonly chunk: number }
  /** All reads were sent. Sinks build keys and indexes beside the stream, and changes of the table come only when all have. */
  | { readonly type: 'copy read'; readonly table: TableOf<S>; readonly generation: number }
  /**
   * The copy is the table as of here: what changed since its consistent point was sent, and what follows are the stream's changes.
   * It takes the place of the generation before, beside the stream, once this position is durable.
   */
  | { readonly type: 'copy finished'; readonly table: TableOf<S> }
  | (S extends 'raw' ? RawStopped | Noted | Ordered : Stopped);

/** Reads of `generation` follow; `lsn` is the copy's consistent point, and the fingerprint is of the same moment. */
interface CopyStarted<S extends Stage> {
  readonly type: 'copy started';
  readonly table: TableOf<S>;
  readonly generation: number;
  readonly lsn: Lsn;
  readonly fingerprint: Fingerprint;
}

/** The table's fingerprint from here on; nothing follows from what changed in it. */
interface Noted {
  readonly type: 'noted';
  readonly table: Table<'raw'>;
  readonly fingerprint: Fingerprint;
}

/** A person wants the table copied anew, under whatever halted it. That it stops, where it streams, is an event of its own. */
interface Ordered {
  readonly type: 'ordered';
  readonly name: string;
  /** Hash of the definition that was approved with it; null where none was. */
  readonly approved: string | null;
}

/** None of its changes follow until a copy: it is stale or halted. `oid` is 0 where the table is not there. */
interface Stopped {
  readonly type: 'stopped';
  readonly name: string;
  readonly oid: number;
  readonly state: TableState;
}

interface RawStopped extends Stopped {
  /** What stands under the name now, where that is another definition: the source cannot know whether decisions still fit it. */
  readonly definition: Table<'raw'> | null;
}

/** The name of the table that it happens to. */
export function nameOf(event: TableEvent<'redacted'>): string {
  return event.type === 'stopped' ? event.name : event.table.name;
}

/**
 * What flows from the source through the redactor to the sinks. `events` come before `changes`.
 * Changes are of whole transactions, or of a part of one when it is larger than a batch; `position` is null then.
 */
export interface Batch<S extends Stage> {
  readonly events: readonly TableEvent<S>[];
  readonly changes: readonly Change<S>[];
  /** Set where `changes` are reads: all of them belong to this chunk of this table. */
  readonly chunk: { readonly table: TableOf<S>; readonly number: number } | null;
  /** Where the stream stands after the batch; null inside a transaction and inside a copy: nothing may be marked done there. */
  readonly position: Position | null;
  /** The last change, for a sink that may make a part of a transaction durable. */
  readonly progress: { readonly clsn: Lsn; readonly seq: number };
  /** Size in memory, counted against `memory:`. */
  readonly bytes: number;
}

/** Memory of so many bytes that tuples of a raw batch lie in is the batch's own. */
export const OWN_BYTES = 8 * 1024 * 1024;

/** Whoever redacts it gives such memory back at once. */
export type RawBatch = Batch<'raw'>;

declare const redacted: unique symbol;

/** Only transforms/redactor.ts makes one, and sinks accept nothing else. */
export interface RedactedBatch extends Batch<'redacted'> {
  /** The entries that this batch changes: durable no later than the next position, in the same transaction. */
  readonly entries: ReadonlyMap<string, TableEntry>;
  readonly [redacted]: true;
}

/** The table whose copy a batch is of, where it has to do with that and with nothing else. What `copy finished` brings is the stream's. */
export function copiedBy({ chunk, changes, events }: RedactedBatch): RedactedTable | null {
  if (chunk) return chunk.table;
  const [event] = events;
  if (changes.length > 0 || events.length !== 1) return null;
  switch (event!.type) {
    case 'copy started':
    case 'chunk finished':
    case 'chunk abandoned':
    case 'copy read':
      return event!.table;
    default:
      return null;
  }
}

/** The batch as it is for a sink that holds everything before `held`: what is left of the stream's changes are those of later transactions. */
export function without(batch: RedactedBatch, held: Lsn): RedactedBatch {
  if (batch.chunk || batch.changes.every(({ transaction }) => transaction.clsn >= held)) return batch;
  return { ...batch, changes: batch.changes.filter(({ transaction }) => transaction.clsn >= held) };
}
