import type { Config } from '../../config/config.ts';
import type { Caretaker } from '../../sinks/lake/care/caretaker.ts';
import type { Checkpoint } from '../core/checkpoint.ts';
import type { Finding, PgveilError } from '../core/errors.ts';
import type { Lsn } from '../core/lsn.ts';
import type { Observe, SlotSeen } from '../core/observer.ts';
import type { RedactedTable } from '../core/table.ts';
import type { Left, Target } from '../core/target.ts';
import type { Tuple } from '../core/tuple.ts';
import type { Parts as PipelineParts } from '../pipeline/parts.ts';

/**
 * Makes concrete parts of a configuration; `reload` reads it anew, for secrets that were changed meanwhile.
 * wire.ts has the one; tests have others.
 */
export type Assemble = (config: Config, reload: () => Config) => Promise<Assembly>;

/** All that the commands know of concrete parts. Nothing connects before it is called. */
export interface Assembly {
  readonly checks: readonly Check[];
  parts(observe: Observe): Parts;
  /** Who looks after the lakes among the sinks, by their names. */
  readonly caretakers: ReadonlyMap<string, Caretaker>;
  /** Whether any sink that answers holds something durably. */
  hasRun(): Promise<boolean>;
  /** What is durable, by sink, read without taking anything over; null where nothing is, and of one that does not answer why. */
  checkpoints(): Promise<ReadonlyMap<string, Checkpoint | PgveilError | null>>;
  /** Null where the slot is not there. */
  slot(): Promise<SlotSeen | null>;
  /** The slots of sinks that read by themselves, by sink. */
  ownSlots(): Promise<ReadonlyMap<string, SlotSeen>>;
  /** Slots that were kept for sinks which are configured no longer. */
  unusedSlots(): Promise<readonly SlotSeen[]>;
  /** What `verify` holds against each other. */
  readonly sides: Sides;
  /** Where pgveil leaves things behind: the source and, with `data`, the sinks. */
  places(data: boolean): readonly Place[];
}

export interface Place {
  /** `source`, or a sink's. */
  readonly name: string;
  /**
   * What is not there is not listed. Rejects with a PgveilError where it cannot be reached, with `slot_in_use` where the pipeline is seen to
   * run.
   */
  look(): Promise<Left>;
}

/** `memory` is for those that read together; `apart` is there where there are several sinks. */
export type Parts = Omit<PipelineParts, 'observe'>;

/** One part's share of `check`. */
export interface Check {
  /** `source`, or a sink's name: what it has to reach, and what a failure to do so is about. */
  readonly needs: string;
  /** Changes nothing. Rejects with a PgveilError where it cannot even look. */
  findings(): Promise<readonly Finding[]>;
}

export interface Sides {
  readonly sinks: ReadonlyMap<string, Target>;
  source(tables: readonly string[]): SourceTables;
  /** Whether an instance reads from the slot: what was committed is on its way to the sinks. */
  isFed(): Promise<boolean>;
}

/** Tables of the source, looked at one after another. */
export interface SourceTables {
  /**
   * One of them as it is now, or `isAgain` false: as it was a moment ago; a text where it cannot be compared with what a sink holds under
   * `stored`, which says why.
   */
  look(table: string, stored: Checkpoint, isAgain: boolean): Promise<SourceSide | string>;
  close(): Promise<void>;
}

/** A snapshot of one table, to be read until `close`. */
export interface SourceSide {
  /** What leaves of it, in the generation that the sink holds. */
  readonly table: RedactedTable;
  /** Everything that the snapshot shows was committed before it. */
  readonly end: Lsn;
  /**
   * What `digest` makes of its redacted rows. May be read several times. Rejects with a PgveilError; one that names the table means that it
   * is not what it was.
   */
  rows(digest: (rows: readonly Tuple<'redacted'>[]) => Promise<Buffer>, observe: Observe): AsyncIterable<Buffer>;
  close(): Promise<void>;
}
