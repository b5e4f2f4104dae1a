import type { RawBatch } from './batch.ts';
import type { Checkpoint, Position } from './checkpoint.ts';
import type { PgveilError } from './errors.ts';
import type { Lsn } from './lsn.ts';
import type { Table } from './table.ts';

/** Where reading begins, and what else it has to find there. */
export interface Beginning extends Checkpoint {
  /** Positions of sinks that are further on: the history has to be theirs as well. */
  readonly ahead: readonly Position[];
}

/** Reads a database. The only kind of part that touches production. */
export interface Source {
  /**
   * Takes the pipeline over: returns once no other instance reads for it. Called once before the first `read`, and again
   * after a failure of the connection; aborting `signal` ends the wait with the signal's reason.
   */
  open(signal: AbortSignal): Promise<void>;
  /**
   * Copies everything when `from.position` is null, and streams from there for ever. Tables that do not stream (never copied, stale,
   * halted for a reason that is gone) are copied meanwhile. Not pulling is the back-pressure.
   * Throws PgveilError; after one, only `close` may be called. Ends without an error when `signal` aborts.
   */
  read(from: Beginning, signal: AbortSignal): AsyncIterable<RawBatch>;
  /** Every sink is done with what `copy read` asks for: changes of the table may follow; or none may, where one gave the copy up. */
  settled(table: string, generation: number, isWhole: boolean): void;
  /** A sink could not go on with this copy (see Sink): nobody is to have it, and the table halts for that reason until the next one. */
  refused(table: string, generation: number, error: PgveilError): void;
  /**
   * A person wants a table copied anew, whatever state it is in, perhaps under a definition approved by its hash. An `ordered` event says so
   * at once, and it is done beside the stream.
   */
  recopy(table: string, approved: string | null): void;
  /** What stands under a table's name now; null where nothing that could be read. */
  look(table: string): Promise<Table<'raw'> | null>;
  /** Resolves when no table is to be copied any more: each streams, is halted, or waits for a person. False where that was so already. */
  copied(): Promise<boolean>;
  /** Everything before `lsn` is durable in every sink: the slot may move there. Never called with a smaller one. */
  ack(lsn: Lsn): void;
  /**
   * Where the server's durable WAL ends now, such that everything committed before the call lies before it.
   * What `--until-caught-up` waits for.
   */
  end(): Promise<Lsn>;
  close(): Promise<void>;
}

/** Which columns a copy must read (index by index of `table.columns`), or null where the table halts and nothing may be read. */
export type Wanted = (table: Table<'raw'>) => readonly boolean[] | null;

/** What a source has to know of the rules. */
export interface Rules {
  readonly wanted: Wanted;
  /** Whether the sinks hold the table as the rules in force would make it. */
  isAsCopied(table: Table<'raw'>): boolean;
  /** Whether a definition can be copied under the rules, or a person has to decide first. */
  fits(table: Table<'raw'>): boolean;
  /** Whether a person ordered a copy of the table, or approved this very definition: its size does not count then. */
  isOrdered(table: Table<'raw'>): boolean;
}
