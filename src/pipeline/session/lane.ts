import { setImmediate as nextTurn } from 'node:timers/promises';
import { copiedBy, type RedactedBatch, without } from '../../core/batch.ts';
import type { Position } from '../../core/checkpoint.ts';
import { PgveilError } from '../../core/errors.ts';
import type { Lsn } from '../../core/lsn.ts';
import type { Sink } from '../../core/sink.ts';
import type { RedactedTable } from '../../core/table.ts';

export interface LaneOptions {
  /** Bounds the queue, in bytes. */
  readonly limit: number;
  /** What the sink holds already: the pipeline reads from where the slowest one stands. Null: nothing. */
  readonly held: Lsn | null;
}

/** Who wants to know how far the sink has come. */
export interface LaneListener {
  /** Readers see what a finished copy brought; changes only once they are durable. */
  written(batch: RedactedBatch): void;
  /** The sink could not go on with the copy of this table, which the batch is of. */
  refused(batch: RedactedBatch, table: RedactedTable, error: PgveilError): void;
  /** With it the first `batches` of all that were pushed. */
  durable(position: Position, batches: number): void;
}

const NOBODY: LaneListener = { written() {}, refused() {}, durable() {} };

/**
 * The queue and the writer of one sink. While one flush is under way the next batches gather for another one: the slower the sink,
 * the larger its transactions. What the sink holds already it does not get again.
 */
export class Lane {
  readonly #sink: Sink;
  readonly #limit: number;
  #listener: LaneListener;
  readonly #queue: RedactedBatch[] = [];
  #held: Lsn | null;
  #queuedBytes = 0;
  #closed = false;
  #isLeft = false;
  /** Wakes whoever waits for room, for a batch, for a time to flush, or for the end. */
  #changed = Promise.withResolvers<void>();
  // How many batches of all have got so far; the last flush that was begun has those up to `flushed`.
  #pushed = 0;
  #awaited = 0;
  #written = 0;
  #flushed = 0;
  /** Of the batches that are written and not flushed: bytes, when the first was written, and the position that they end at. */
  #unflushed = { bytes: 0, since: 0, position: null as Position | null };
  #flushing: Promise<void> = Promise.resolve();
  /** Of a flush: what failed behind it failed for the same reason. */
  #failure: { readonly error: unknown } | null = null;

  constructor(sink: Sink, { limit, held }: LaneOptions, listener: LaneListener) {
    this.#sink = sink;
    this.#limit = limit;
    this.#held = held;
    this.#listener = listener;
  }

  /** Queues a batch; resolves when there is room for another one. A batch larger than the queue is taken alone. */
  async push(batch: RedactedBatch): Promise<void> {
    this.#queue.push(batch);
    this.#pushed++;
    this.#queuedBytes += batch.bytes;
    this.#wake();
    while (this.#queuedBytes >= this.#limit && !this.#closed) await this.#changed.promise;
  }

  /** Somebody waits until what was pushed so far is durable: that is so at the next commit. */
  hurry(): void {
    this.#awaited = this.#pushed;
    this.#wake();
  }

  /** No more batches come: `run` ends when what is queued is durable as far as its last position. */
  end(): void {
    this.#closed = true;
    this.#wake();
  }

  /** The sink is somebody else's from here on: nothing more is written to it, and what it still says is not told. */
  leave(): void {
    this.#isLeft = true;
    this.#listener = NOBODY;
    this.end();
  }

  /** Writes until `end`, or `leave`. Rejects with what the sink said; the lane is of no use then. */
  async run(): Promise<void> {
    try {
      while (await this.#step()) {}
      await this.#flushing;
    } catch (error) {
      throw this.#failure?.error ?? error;
    } finally {
      this.#closed = true;
      this.#wake();
    }
  }

  /** Does what is next to be done, or waits until there is something. False at the end. */
  async #step(): Promise<boolean> {
    if (this.#isLeft) return false;
    if (this.#failure) throw this.#failure.error;
    const { position } = this.#unflushed;
    if (position && this.#isDue()) await this.#startFlush(position);
    else if (this.#queue.length > 0) await this.#write(this.#queue.shift()!);
    else if (this.#closed) return false;
    else await this.#change();
    return true;
  }

  async #write(batch: RedactedBatch): Promise<void> {
    // Reading and redacting it took one turn of the event loop, and writing takes another: of a large row each is long enough.
    await nextTurn();
    if (this.#isLeft) return;
    const { bytes, since } = this.#unflushed;
    const isFirst = this.#flushed === this.#written;
    await this.#writeOrRefuse(batch);
    this.#written++;
    this.#unflushed = {
      bytes: bytes + batch.bytes,
      since: isFirst ? performance.now() : since,
      position: this.#advance(batch.position),
    };
    this.#queuedBytes -= batch.bytes;
    this.#wake();
  }

  /** Null where nothing may be flushed: inside a transaction, and before the sink has got more than it holds. */
  #advance(position: Position | null): Position | null {
    if (!position || (this.#held !== null && position.pos < this.#held)) return null;
    this.#held = null;
    return position;
  }

  async #writeOrRefuse(batch: RedactedBatch): Promise<void> {
    try {
      await this.#sink.write(this.#held === null ? batch : without(batch, this.#held));
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
    if (this.#isLeft) return;
    this.#unflushed = { bytes: 0, since: 0, position: null };
    const batches = this.#written;
    this.#flushed = batches;
    this.#flushing = this.#sink.flush(position).then(() => this.#listener.durable(position, batches));
    this.#flushing.catch((error) => {
      this.#failure ??= { error };
      this.#wake();
    });
  }

  #isDue(): boolean {
    if (this.#flushed < this.#awaited && this.#awaited <= this.#written) return true;
    // A position further back in the queue will do as well, if it comes soon. The first shows that the sink can be written to.
    const isAtRest = !this.#queue.some((batch) => batch.position);
    const { atRest, bytes } = this.#sink.pace;
    if (isAtRest && (atRest || this.#closed || this.#flushed === 0)) return true;
    return this.#unflushed.bytes >= bytes || this.#msLeft <= 0;
  }

  /** Until what is written is too old to stay as it is. */
  get #msLeft(): number {
    return this.#unflushed.since + this.#sink.pace.ms - performance.now();
  }

  async #change(): Promise<void> {
    const timer = this.#unflushed.position ? setTimeout(() => this.#wake(), this.#msLeft) : undefined;
    await this.#changed.promise;
    clearTimeout(timer);
  }

  #wake(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers<void>();
  }
}
