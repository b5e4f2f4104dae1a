import type { RawBatch, RedactedBatch } from './batch.ts';
import type { TableEntry } from './checkpoint.ts';
import type { Rules } from './source.ts';

/** The one place where raw becomes redacted. */
export interface Redactor extends Rules {
  /**
   * Starts anew from what is durable. `halts` are tables that a sink could not go on with (name to code): their entries change
   * with the first batch, before any of their changes would. Returns the entries as they stand then.
   */
  open(entries: ReadonlyMap<string, TableEntry>, halts: ReadonlyMap<string, string>): ReadonlyMap<string, TableEntry>;
  /** Rows, before-images and keys by the plan of their table; the changes of stopped tables are left out. */
  redact(batch: RawBatch): RedactedBatch;
}
