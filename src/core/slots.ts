import type { Lsn } from './lsn.ts';

/** A slot and what it may keep. */
export interface KeptWal {
  readonly name: string;
  /** What lies before is not needed. */
  readonly stands: Lsn;
  /** Bytes of WAL that it keeps beyond what it may; negative below that. */
  readonly excess: number;
}

/**
 * The places up to which the source keeps its WAL: the pipeline's slot, and one for each sink that reads by itself. Each method rejects
 * with a PgveilError where the source cannot be asked.
 */
export interface Slots {
  /** Where the pipeline's stands: what lies before is not sent any more. Null where it is not there. */
  stands(): Promise<Lsn | null>;
  nameOf(sink: string): string;
  /** The sink's own slot, or the pipeline's (null). Null where it is not there, or may keep whatever it wants. */
  kept(sink: string | null): Promise<KeptWal | null>;
  /**
   * Makes the sink's own where the pipeline's stands, unless it has one. May be called while the pipeline's is read from.
   * Rejects with `no_free_slot`, and with `slot_lost` where the pipeline's is not there, or the server gave it up.
   */
  copy(sink: string): Promise<void>;
  /** Drops the sink's own, if there is one. Nobody reads from it any more. */
  drop(sink: string): Promise<void>;
}
