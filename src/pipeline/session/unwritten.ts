import type { RedactedBatch } from '../../core/batch.ts';

/** Which sinks have not got a batch yet: what became of its tables is told when all have. */
export class Unwritten {
  readonly #left = new Map<RedactedBatch, Set<string>>();
  readonly #done: (batch: RedactedBatch) => void;

  constructor(done: (batch: RedactedBatch) => void) {
    this.#done = done;
  }

  pushed(batch: RedactedBatch, sinks: Iterable<string>): void {
    this.#left.set(batch, new Set(sinks));
  }

  written(batch: RedactedBatch, sink: string): void {
    const left = this.#left.get(batch);
    if (!left?.delete(sink) || left.size > 0) return;
    this.#left.delete(batch);
    this.#done(batch);
  }

  /** A sink refused it, so never will all have it, and nothing is told. Its rows must not stay in memory for that. */
  forget(batch: RedactedBatch): void {
    this.#left.delete(batch);
  }

  /** Nobody waits for this sink any more. */
  leave(sink: string): void {
    for (const batch of [...this.#left.keys()]) this.written(batch, sink);
  }
}
