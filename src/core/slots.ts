import type { Lsn } from './lsn.ts';

/**
 * The places up to which the source keeps its WAL: the pipeline's slot, and one for each sink that reads by itself. Each method rejects
 * with a PgveilError where the source cannot be asked.
 */
export interface Slots {
  /** Where the pipeline's stands: what lies before is not sent any more. Null where it is not there. */
  stands(): Promise<Lsn | null>;
  nameOf(sink: string): string;
  /**
   * Makes the sink's own where the pipeline's stands, unless it has one. May be called while the pipeline's is read from.
   * Rejects with `no_free_slot`, and with `slot_lost` where the pipeline's is not there.
   */
  copy(sink: string): Promise<void>;
  /** Drops the sink's own, if there is one. Nobody reads from it any more. */
  drop(sink: string): Promise<void>;
}
