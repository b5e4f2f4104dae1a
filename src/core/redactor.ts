import type { RawBatch, RedactedBatch } from './batch.ts';
import type { TableEntry } from './checkpoint.ts';
import type { Wanted } from './source.ts';

/** The one place where raw becomes redacted. */
export interface Redactor {
  /**
   * Starts anew from what is durable. `halts` are tables that a sink could not go on with (name to code): their entries change
   * with the first batch, before any of their changes would.
   */
  open(entries: ReadonlyMap<string, TableEntry>, halts: ReadonlyMap<string, string>): void;
  /** Rows, before-images and keys by the plan of their table; the changes of stopped tables are left out. */
  redact(batch: RawBatch): RedactedBatch;
  readonly wanted: Wanted;
}
