import type { RedactedBatch } from './batch.ts';
import type { Checkpoint, Position } from './checkpoint.ts';

/** When a sink is told to make durable what it wrote, besides whenever somebody waits for it. Always at a commit. */
export interface Pace {
  /** Whether as soon as nothing more waits to be written. */
  readonly atRest: boolean;
  /** At the latest when so much was written, or when the first of it is so old. */
  readonly bytes: number;
  readonly ms: number;
}

/** Writes redacted rows somewhere, exactly once in effect, and keeps its checkpoint with them. */
export interface Sink {
  readonly pace: Pace;
  /**
   * Takes the target over: makes what it needs, fences the instance before (its writes fail from here on) and returns what is durable.
   * Called before the first `write`, and again after a failure: what was written and not flushed is then gone.
   */
  open(signal: AbortSignal): Promise<Checkpoint>;
  /**
   * Applies one batch. Called for one batch after another, never two at once. Written is not durable.
   * Rejects with a PgveilError; one that names a table means that the table has to halt. The pipeline adds the sink's name.
   * Where the batch is of a copy (a chunk, or events of a copy and nothing else) such a one concerns that copy alone: the sink has let go
   * of it, takes no notice of what still comes of it, and may be written to as before.
   */
  write(batch: RedactedBatch): Promise<void>;
  /**
   * Makes durable all that was written, and `position` and the batches' entries with it, atomically. Only at a batch with a position,
   * and one at a time. `write` may be called before it resolves: what it brings belongs to the next flush.
   */
  flush(position: Position): Promise<void>;
  /**
   * Resolves when what the last `copy read` or `copy finished` of the table set going beside the stream is done: keys and indexes, or
   * the swap, durable with the table's entry. False where that copy came to nothing. Rejects as `write` does, and as there
   * a table that is named is what it concerns: its copy comes to nothing.
   */
  settled(table: string): Promise<boolean>;
  /** Rolls back what is not flushed. Safe to call at any time, also twice. */
  close(): Promise<void>;
}
