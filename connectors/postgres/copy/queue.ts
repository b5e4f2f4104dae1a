import type { RawBatch } from '../../../src/core/batch.ts';

/** What several workers read, for one consumer, in the order of the pushes. Bounded in bytes: not pulling stops the workers. */
export class BatchQueue {
  readonly #limit: number;
  #batches: RawBatch[] = [];
  #bytes = 0;
  #ended = false;
  #failure: unknown = null;
  /** Whoever waits: for room, or for a batch. They look again when woken. */
  readonly #waiting = new Set<() => void>();

  constructor(limit: number) {
    this.#limit = limit;
  }

  /**
   * Resolves once the batch is in: at once where it fits or nothing else is queued. When `signal` aborts before, or the queue has
   * ended, the batch is dropped. Batches of events alone weigh nothing and never wait.
   */
  async push(batch: RawBatch, signal?: AbortSignal): Promise<void> {
    while (!this.#ended && !signal?.aborted) {
      if (batch.bytes === 0 || this.#bytes === 0 || this.#bytes + batch.bytes <= this.#limit) {
        this.#batches.push(batch);
        this.#bytes += batch.bytes;
        this.#wake();
        return;
      }
      await this.#change(signal);
    }
  }

  /** Nothing more is pushed; what is queued is still handed out. */
  end(): void {
    this.#ended = true;
    this.#wake();
  }

  /** Ends it at once: what is queued is dropped, and the consumer sees `error`, or a plain end where it is null. */
  cut(error: unknown): void {
    if (this.#ended && this.#batches.length === 0) return;
    this.#failure = error;
    this.#batches = [];
    this.end();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<RawBatch> {
    for (;;) {
      const batch = this.#batches.shift();
      if (batch) {
        this.#bytes -= batch.bytes;
        this.#wake();
        yield batch;
      } else if (this.#failure) {
        throw this.#failure;
      } else if (this.#ended) {
        return;
      } else {
        await this.#change();
      }
    }
  }

  #wake(): void {
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const wake of waiting) wake();
  }

  async #change(signal?: AbortSignal): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const wake = () => resolve();
    this.#waiting.add(wake);
    signal?.addEventListener('abort', wake);
    await promise;
    this.#waiting.delete(wake);
    signal?.removeEventListener('abort', wake);
  }
}
