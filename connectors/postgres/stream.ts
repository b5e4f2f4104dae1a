import type { RawBatch, TableEvent } from '../../src/core/batch.ts';
import type { Position } from '../../src/core/checkpoint.ts';
import type { Lsn } from '../../src/core/lsn.ts';
import type { Batches } from './batches.ts';
import type { WitnessSearch } from './history.ts';
import { Idle } from './idle.ts';
import { CatalogPoll } from './poll.ts';
import type { Reading } from './reading.ts';
import type { Listener } from './receiver.ts';
import type { Transactions } from './transactions.ts';

/**
 * Where the receiver's pace meets the consumer's: the receiver fills `batches` while the consumer is busy, waits when they are
 * full, and the consumer waits when they are empty.
 */
export class Stream implements Listener {
  readonly #transactions: Transactions;
  readonly #batches: Batches;
  readonly #witness: WitnessSearch;
  readonly #full: number;
  readonly #idle: Idle;
  readonly #poll: CatalogPoll;
  /** What the first batch says, before any row, and where the stream begins. */
  #outset: { readonly events: readonly TableEvent<'raw'>[]; readonly position: Position } | null;
  #failure: { readonly error: unknown } | null = null;
  /** The consumer waits for this one. */
  #something: PromiseWithResolvers<void> | null = null;
  /** The receiver waits for this one. */
  #room: PromiseWithResolvers<void> | null = null;

  /** `limit` is that of `batches`: while one batch is written another one is read. */
  constructor(
    transactions: Transactions,
    batches: Batches,
    witness: WitnessSearch,
    outset: readonly TableEvent<'raw'>[],
    limit: number,
    look: () => Promise<Reading>,
  ) {
    this.#transactions = transactions;
    this.#batches = batches;
    this.#witness = witness;
    this.#outset = { events: outset, position: transactions.position };
    this.#full = limit * 2;
    this.#idle = new Idle(transactions.position.pos);
    this.#poll = new CatalogPoll(
      look,
      (reading) => this.#looked(reading),
      (error) => this.failed(error),
    );
  }

  /** The next batch, or null when `signal` aborts. Rejects with what ended the stream. */
  async next(signal: AbortSignal): Promise<RawBatch | null> {
    const wake = () => this.#something?.resolve();
    signal.addEventListener('abort', wake);
    try {
      for (;;) {
        if (signal.aborted) return null;
        if (this.#failure) throw this.#failure.error;
        const batch = this.#take();
        if (batch) return batch;
        this.#something = Promise.withResolvers();
        await this.#something.promise;
        this.#something = null;
      }
    } finally {
      signal.removeEventListener('abort', wake);
    }
  }

  /** Somebody waits for the position `lsn`: it is handed over as soon as the server got there, changes or not. */
  want(lsn: Lsn): void {
    this.#idle.want(lsn);
  }

  message(bytes: Buffer, start: number, end: number): Promise<void> | null {
    const answer = this.#transactions.accept(bytes, start, end);
    if (answer) return answer;
    this.#something?.resolve();
    if (this.#batches.bytes < this.#full) return null;
    this.#room = Promise.withResolvers();
    return this.#room.promise;
  }

  keepalive(walEnd: Lsn): void {
    this.#transactions.keepalive(walEnd);
    this.#something?.resolve();
  }

  tick(): boolean {
    this.#something?.resolve();
    if (this.#witness.found && !this.#transactions.isJudging) this.#poll.tick(performance.now());
    return !this.#witness.found || this.#idle.isWanted || this.#transactions.isJudging;
  }

  failed(error: unknown): void {
    this.#failure ??= { error };
    this.#something?.resolve();
  }

  #looked(reading: Reading): void {
    this.#transactions.looked(reading);
    this.#something?.resolve();
  }

  #take(): RawBatch | null {
    if (!this.#witness.found) return null;
    const batch = this.#takeOutset() ?? this.#batches.take() ?? this.#takeIdle();
    if (batch?.position) this.#idle.passed(batch.position.pos);
    if (this.#batches.bytes < this.#full) this.#room?.resolve();
    return batch;
  }

  /** With a position, though nothing moved: a table that stops here is durably stopped before anything else happens. */
  #takeOutset(): RawBatch | null {
    const outset = this.#outset;
    this.#outset = null;
    return outset && this.#batches.empty(outset.events, outset.position);
  }

  /** Where the stream got to without any change of ours. */
  #takeIdle(): RawBatch | null {
    const { position } = this.#transactions;
    const due = this.#batches.isEmpty && this.#idle.isDue(position.pos, performance.now());
    return due ? this.#batches.empty([], position) : null;
  }
}
