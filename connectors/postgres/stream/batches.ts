import type { Change, RawBatch, TableEvent } from '../../../src/core/batch.ts';
import type { Position } from '../../../src/core/checkpoint.ts';

type RawChange = Change<'raw'>;
type RawEvent = TableEvent<'raw'>;

/**
 * Gathers changes until somebody takes them. Whoever is busy finds all whole transactions of the meantime in one batch;
 * one larger than `limit` bytes is cut into parts, and only its last part has a position.
 */
export class Batches {
  readonly #limit: number;
  readonly #ready: RawBatch[] = [];
  #readyBytes = 0;

  #events: RawEvent[] = [];
  #changes: RawChange[] = [];
  #bytes = 0;
  /** How much of what is gathered belongs to transactions that are complete. */
  #whole: { readonly changes: number; readonly bytes: number; readonly position: Position } | null = null;
  /** The beginning of the transaction under way is in a batch already. */
  #split = false;
  #progress: RawBatch['progress'] = { clsn: 0n, seq: 0 };

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** One batch is being taken, and another one is there already: there is no room for more. */
  get isFull(): boolean {
    return this.#readyBytes + this.#bytes >= 2 * this.#limit;
  }

  /** Nothing waits here, and no transaction is in parts: a position may stand alone. */
  get isEmpty(): boolean {
    return this.#ready.length === 0 && this.#changes.length === 0 && this.#events.length === 0 && !this.#split;
  }

  add(change: RawChange, bytes: number): void {
    this.#changes.push(change);
    this.#bytes += bytes;
    if (this.#bytes < this.#limit) return;
    if (this.#whole) this.#sealWhole();
    if (this.#bytes >= this.#limit) this.#sealPart();
  }

  /** Events stand before the changes of their batch, so what came before one goes out before it. */
  event(event: RawEvent): void {
    if (this.#whole) this.#sealWhole();
    if (this.#changes.length > 0) this.#sealPart();
    this.#events.push(event);
  }

  /** The transaction is complete. One of which nothing was added makes no batch of its own. */
  commit(position: Position): void {
    if (!this.#split && this.#changes.length === 0 && this.#events.length === 0) return;
    this.#whole = { changes: this.#changes.length, bytes: this.#bytes, position };
    if (this.#split) this.#sealWhole();
    this.#split = false;
  }

  take(): RawBatch | null {
    if (this.#ready.length === 0 && this.#whole) this.#sealWhole();
    const batch = this.#ready.shift() ?? null;
    if (batch) this.#readyBytes -= batch.bytes;
    return batch;
  }

  /** A batch without changes. */
  empty(events: readonly RawEvent[], position: Position | null): RawBatch {
    return { events, changes: [], chunk: null, position, progress: this.#progress, bytes: 0 };
  }

  #sealWhole(): void {
    const { changes, bytes, position } = this.#whole!;
    this.#seal(changes, bytes, position);
    this.#whole = null;
  }

  #sealPart(): void {
    this.#seal(this.#changes.length, this.#bytes, null);
    this.#split = true;
  }

  #seal(changes: number, bytes: number, position: Position | null): void {
    const last = this.#changes[changes - 1];
    if (last) this.#progress = { clsn: last.transaction.clsn, seq: last.seq };
    const rest = this.#changes.splice(changes);
    this.#ready.push({
      events: this.#events,
      changes: this.#changes,
      chunk: null,
      position,
      progress: this.#progress,
      bytes,
    });
    this.#readyBytes += bytes;
    this.#events = [];
    this.#changes = rest;
    this.#bytes -= bytes;
  }
}
