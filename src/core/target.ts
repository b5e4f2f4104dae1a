import type { Checkpoint } from './checkpoint.ts';
import type { Comparer } from './comparison.ts';
import type { Finding } from './errors.ts';
import type { Identity } from './identity.ts';
import type { Observe } from './observer.ts';
import type { Sink } from './sink.ts';
import type { RedactedColumn, RedactedTable } from './table.ts';

/**
 * Where one sink of the configuration writes, as the commands see it. Nothing connects before a method is called, and each may be
 * called at any time, also while an instance is writing there. What cannot be reached rejects with a PgveilError that names the sink.
 */
export interface Target {
  /** Who writes there. */
  sink(observe: Observe): Sink;
  /** Everything there that stands in the way, found without changing anything that stays. What cannot be reached may be a finding as well. */
  check(): Promise<readonly Finding[]>;
  /** The same of these tables, of what is there for them or would be made; besides, what a person should know. */
  checkTables(tables: readonly LeavingTable[]): Promise<readonly Finding[]>;
  /** Whether it needs the name of this column, which leaves, for itself. */
  reserves(column: Pick<RedactedColumn, 'name' | 'withheld'>): boolean;
  /** What no other sink of the pipeline may be, nor the source; null where its configuration says that. */
  identity(): Promise<Identity | null>;
  /** What is durable, without taking anything over; null where nothing is. Rejects with `newer_checkpoint` or `checkpoint_damaged`. */
  checkpoint(): Promise<Checkpoint | null>;
  /** Who holds its tables against the source's, for `verify`. */
  comparer(): Comparer;
  /**
   * What pgveil made there for this pipeline and nothing else; what is not there is not listed. Rejects with `slot_in_use` where it can see
   * that an instance writes there: the source, which knows best, may be away.
   */
  remains(): Promise<readonly Remains[]>;
}

/** A table under its decisions, before any copy of it. */
export type LeavingTable = Omit<RedactedTable, 'generation'>;

/** Something that pgveil made and left behind. */
export interface Remains {
  /** `replication slot pgveil_shop on the source`. */
  readonly what: string;
  remove(): Promise<void>;
}

/** What is found in one place. */
export interface Left {
  /** In the order in which it is removed: what stands later may be what tells that the rest is ours. */
  readonly remains: readonly Remains[];
  /** What stands under a name of ours and is somebody else's: `replication slot standby1 on the source (physical)`. It stays. */
  readonly others: readonly string[];
}
