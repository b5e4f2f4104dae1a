import { setImmediate as nextTurn } from 'node:timers/promises';
import { copiedBy, type RedactedBatch } from '../core/batch.ts';
import type { Position } from '../core/checkpoint.ts';
import { PgveilError } from '../core/errors.ts';
import type { Sink } from '../core/sink.ts';
import type { RedactedTable } from '../core/table.ts';

/** A lane makes durable what it wrote when nothing waits, and at the latest after so much. */
const FLUSH_BYTES = 16 * 1024 * 1024;
const FLUSH_MS = 100;

/** Who wants to know how far the sink has come. */
export interface LaneListener {
  /** Readers see what a finished copy brought; changes only once they are durable. */
  written(batch: RedactedBatch): void;
  /** The sink could not go on with the copy of this table, which the batch is of. */
  refused(batch: RedactedBatch, table: RedactedTable, error: PgveilError): void;
  /** With it the first `batches` of all that were pushed. */
  durable(position: Position, batches: number): void;
}

/**
 * The queue and the writer of one sink. While one flush is under way the next batches gather for another one: the slower the sink,
 * the larger its transactions.
 */
export class Lane {
  readonly #sink: Sink;
  readonly #limit: number;
  readonly #listener: LaneListener;
  readonly #queue: RedactedBatch[] = [];
  #queued = 0;
  #closed = false;
  /** Wakes whoever waits for room, for a batch, or for the end. */
  #changed = Promise.withResolvers<void>();

  /** `limit` bounds the queue, in bytes. */
  constructor(sink: Sink, limit: number, listener: LaneListener) {
    this.#sink = sink;
    this.#limit = limit;
    this.#listener = listener;
  }

  /** Queues a batch; resolves when there is room for another one. A batch larger than the queue is taken alone. */
  async push(batch: RedactedBatch): Promise<void> {
    this.#queue.push(batch);
    this.#queued += batch.bytes;
    this.#wake();
    while (this.#queued >= this.#limit && !this.#closed) await this.#changed.promise;
  }

  /** No more batches come: `run` ends when what is queued is durable as far as its last position. */
  end(): void {
    this.#closed = true;
    this.#wake();
  }

  /** Writes until `end`. Rejects with what the sink said; the lane is of no use then. */
  async run(): Promise<void> {
    try {
      for (let batch = await this.#next(); batch; batch = await this.#next()) await this.#write(batch);
      await this.#flushing;
    } catch (error) {
      throw this.#failure?.error ?? error;
    } finally {
      this.#closed = true;
      this.#wake();
    }
  }

  #unflushed = 0;
  /** Batches. */
  #written = 0;
  #since = 0;
  #flushing: Promise<void> = Promise.resolve();
  /** Of a flush: what failed behind it failed for the same reason. */
  #failure: { readonly error: unknown } | null = null;

  async #write(batch: RedactedBatch): Promise<void> {
    // Reading and redacting it took one turn of the event loop, and writing takes another: of a large row each is long enough.
    await nextTurn();
    if (this.#unflushed === 0) this.#since = performance.now();
    await this.#writeOrRefuse(batch);
    this.#written++;
    this.#unflushed += batch.bytes;
    this.#queued -= batch.bytes;
    this.#wake();
    if (batch.position && this.#isDue()) await this.#startFlush(batch.position);
  }

  async #writeOrRefuse(batch: RedactedBatch): Promise<void> {
    try {
      await this.#sink.write(batch);
    } catch (error) {
      if (!(error instanceof PgveilError) || error.table === null) throw error;
      const table = copiedBy(batch);
      if (table?.name !== error.table) throw error;
      return this.#listener.refused(batch, table, error);
    }
    this.#listener.written(batch);
  }

  /** The disk of the sink takes its time, in which the next batches can be written already. */
  async #startFlush(position: Position): Promise<void> {
    await this.#flushing;
    this.#unflushed = 0;
    const batches = this.#written;
    this.#flushing = this.#sink.flush(position).then(() => this.#listener.durable(position, batches));
    this.#flushing.catch((error) => {
      this.#failure ??= { error };
      this.#wake();
    });
  }

  /** A position further back in the queue will do as well, if it comes soon. */
  #isDue(): boolean {
    if (!this.#queue.some((batch) => batch.position)) return true;
    return this.#unflushed >= FLUSH_BYTES || performance.now() - this.#since >= FLUSH_MS;
  }

  async #next(): Promise<RedactedBatch | undefined> {
    while (this.#queue.length === 0 && !this.#closed && !this.#failure) await this.#changed.promise;
    if (this.#failure) throw this.#failure.error;
    return this.#queue.shift();
  }

  #wake(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers<void>();
  }
}
