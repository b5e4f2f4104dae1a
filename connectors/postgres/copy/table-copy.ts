import type { RawBatch, TableEvent, Transaction } from '../../../src/core/batch.ts';
import { reach } from '../../../src/core/fault.ts';
import type { Observe } from '../../../src/core/observer.ts';
import type { Table } from '../../../src/core/table.ts';
import type { Rows } from '../../../src/postgres/copy-rows.ts';
import { quoteName } from '../../../src/postgres/quote.ts';
import { fingerprintOf } from '../catalog/fingerprint.ts';
import type { Bound } from '../catalog/guard.ts';
import type { Leaf } from '../catalog/reading.ts';
import type { Stop } from '../catalog/stop.ts';
import type { LeafSize } from './chunk.ts';
import type { BatchQueue } from './queue.ts';
import { Tally } from './tally.ts';

export interface TableCopyOptions {
  readonly bound: Bound;
  readonly wanted: readonly boolean[];
  readonly generation: number;
  readonly transaction: Transaction;
  readonly queue: BatchQueue;
  readonly observe: Observe;
}

/** The copy of one table: what was sent of it, in order, and what is still out. Several workers may read chunks of it at once. */
export class TableCopy {
  readonly bound: Bound;
  readonly table: Table<'raw'>;
  readonly wanted: readonly boolean[];
  readonly #options: TableCopyOptions;
  /** The chunks that are being read, by their signals. */
  readonly #running = new Map<AbortSignal, AbortController>();
  #stop: Stop | null = null;
  #started = false;
  #lastNumber = 0;
  /** Ranges that are not read to their end: one open range per leaf, and every chunk that was cut off and is out. */
  #left: number;
  readonly #tally: Tally;

  constructor(options: TableCopyOptions) {
    const { table, leaves } = options.bound.reading;
    this.bound = options.bound;
    this.table = table;
    this.wanted = options.wanted;
    this.#options = options;
    this.#left = leaves.length;
    this.#tally = new Tally(leaves);
  }

  get leaves(): readonly Leaf[] {
    return this.bound.reading.leaves;
  }

  /** Bytes to copy, as far as it is known. */
  get totalBytes(): number {
    return this.#tally.sums().totalBytes;
  }

  /** Before it is its turn: how large its leaves are, those that could be measured. */
  weigh(sizes: ReadonlyMap<number, number>): void {
    for (const { oid } of this.leaves) {
      const bytes = sizes.get(oid);
      if (bytes !== undefined) this.#tally.measured(oid, bytes);
    }
  }

  get stopped(): boolean {
    return this.#stop !== null;
  }

  /** Called before anything of it is read, any number of times. A partitioned table without partitions is finished at once. */
  start(): void {
    if (this.#started) return;
    this.#started = true;
    const { generation, transaction, bound } = this.#options;
    const fingerprint = fingerprintOf(bound.reading);
    this.#send({ type: 'copy started', table: this.table, generation, lsn: transaction.clsn, fingerprint });
    this.#step('started');
    reach('copy started');
    for (const index of this.bound.reading.omittedIndexes) this.#warnOfIndex(index);
    this.#report();
    this.#finishIfRead();
  }

  /** A worker begins a chunk, and calls `end` when it is through with it. `signal` aborts when the chunk has to be given up. */
  enter(): { readonly signal: AbortSignal; readonly end: () => void } {
    this.start();
    const controller = new AbortController();
    this.#running.set(controller.signal, controller);
    return { signal: controller.signal, end: () => this.#leave(controller.signal) };
  }

  /** Somebody waits behind the lock of the chunk with this signal. */
  giveUp(signal: AbortSignal): void {
    const { observe } = this.#options;
    const { name } = this.table;
    observe({
      type: 'step',
      message: 'a chunk is given up and read again: another session waits behind its lock',
      table: name,
    });
    this.#running.get(signal)?.abort();
  }

  nextNumber(): number {
    return ++this.#lastNumber;
  }

  /** Resolves once they are in the queue. `share`: the chunk's part of its leaf, in bytes. */
  async rows(number: number, rows: Rows<'raw'>, share: number, signal: AbortSignal): Promise<void> {
    const { table } = this;
    const { transaction, queue } = this.#options;
    const changes = rows.tuples.map((after) => ({
      op: 'read' as const,
      table,
      transaction,
      seq: 0,
      before: null,
      beforeIs: 'key' as const,
      after,
    }));
    const { bytes } = rows;
    await queue.push({ ...emptyBatch(transaction), changes, chunk: { table, number }, bytes }, signal);
    if (signal.aborted) return;
    const read = rows.tuples.reduce((sum, { start, end }) => sum + end - start, 0);
    this.#tally.read(number, { rows: rows.tuples.length, bytes: read, share });
    this.#report();
  }

  /** A leaf was measured; `rest` tells whether a part of it was cut off for others. */
  measured({ oid }: Leaf, { bytes }: LeafSize, rest: boolean): void {
    this.#tally.measured(oid, bytes);
    if (rest) this.#left++;
  }

  /** A chunk is to be read in so many parts. */
  divided(parts: number): void {
    this.#left += parts - 1;
  }

  /** A chunk is read to its end; `number` is null where it had no rows, since then nothing was sent of it. */
  finished(number: number | null, share: number): void {
    if (number !== null) this.#send({ type: 'chunk finished', table: this.table, chunk: number });
    this.#tally.finished(number, share);
    this.#left--;
    if (this.#left === 0) this.#tally.ended();
    this.#report();
    this.#finishIfRead();
  }

  abandoned(number: number | null): void {
    if (number !== null) this.#send({ type: 'chunk abandoned', table: this.table, chunk: number });
    this.#tally.abandoned(number);
  }

  /** None of it may be read any more: chunks that are out are given up. The first reason counts. */
  stop(stop: Stop): void {
    if (this.#stop) return;
    this.#stop = stop;
    const { state, message, fix } = stop;
    const code = state.state === 'halted' ? state.code : state.state;
    this.#options.observe({ type: 'warning', table: this.table.name, code, message, fix });
    this.giveUpAll();
    this.#tellStopped();
  }

  giveUpAll(): void {
    for (const controller of this.#running.values()) controller.abort();
  }

  #leave(signal: AbortSignal): void {
    this.#running.delete(signal);
    this.#tellStopped();
  }

  /** That the table stopped comes behind everything else of it. */
  #tellStopped(): void {
    if (!this.#stop || this.#running.size > 0) return;
    const { name, oid } = this.table;
    const { state, definition } = this.#stop;
    this.#send({ type: 'stopped', name, oid, state, definition });
  }

  #warnOfIndex(index: string): void {
    const message = `the index ${quoteName(index)} is partial, on an expression or a generated column, or of a special operator class`;
    const fix = 'It is left out of the twin. Make one there by hand if readers need it.';
    this.#options.observe({ type: 'warning', table: this.table.name, code: 'index_left_out', message, fix });
  }

  #finishIfRead(): void {
    if (this.#left > 0 || this.#stop) return;
    this.#send({ type: 'copy read', table: this.table, generation: this.#options.generation });
    this.#step('read');
  }

  #step(step: 'started' | 'read'): void {
    const { observe, generation } = this.#options;
    observe({ type: 'copy step', table: this.table.name, generation, step });
  }

  #report(): void {
    this.#options.observe({ type: 'copy', table: this.table.name, ...this.#tally.sums() });
  }

  #send(event: TableEvent<'raw'>): void {
    void this.#options.queue.push({ ...emptyBatch(this.#options.transaction), events: [event] });
  }
}

/** Inside a copy nothing may be marked done: there is no position. */
export function emptyBatch({ clsn }: Transaction): RawBatch {
  return { events: [], changes: [], chunk: null, position: null, progress: { clsn, seq: 0 }, bytes: 0 };
}
