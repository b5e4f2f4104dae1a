import type { RawBatch, TableEvent } from '../../../src/core/batch.ts';
import type { Position } from '../../../src/core/checkpoint.ts';
import type { Lsn } from '../../../src/core/lsn.ts';
import { unlessAborted } from '../abort.ts';
import { Bell } from '../bell.ts';
import { CatalogPoll } from '../catalog/poll.ts';
import type { Reading } from '../catalog/reading.ts';
import { Turn } from '../turn.ts';
import type { Batches } from './batches.ts';
import type { Search } from './history.ts';
import { Idle } from './idle.ts';
import { MESSAGE, readBegin } from './pgoutput.ts';
import type { Handed, Why } from './question.ts';
import type { Listener } from './receiver.ts';
import type { Transactions } from './transactions.ts';

/** Where the stream is to be held. */
interface HoldPoint {
  readonly lsn: Lsn;
  readonly reached: PromiseWithResolvers<Position>;
  readonly left: PromiseWithResolvers<void>;
}

/** The stream stands still at a position until `release`. */
export interface Hold {
  readonly position: Position;
  release(): void;
}

export interface StreamOptions {
  /** Puts what is received into `batches`. */
  readonly transactions: Transactions;
  readonly batches: Batches;
  readonly witness: Search;
  /** What the first batch says, before any row. */
  readonly events: readonly TableEvent<'raw'>[];
  /** Reads the catalog of the tables. */
  readonly look: () => Promise<Reading>;
  /** Rung where there may be something to take. */
  readonly bell?: Bell;
  /** Told about once a second where the stream got to, if it got on and nothing waits to be taken. */
  readonly reached?: (pos: Lsn) => void;
}

/**
 * Where the receiver's pace meets the consumer's: the receiver fills `batches` while the consumer is busy, waits when they are
 * full, and the consumer waits when they are empty.
 */
export class Stream implements Listener {
  readonly #transactions: Transactions;
  readonly #batches: Batches;
  readonly #witness: Search;
  readonly #idle: Idle;
  readonly #poll: CatalogPoll;
  /** What the first batch says, before any row, and where the stream begins. */
  #outset: { readonly events: readonly TableEvent<'raw'>[]; readonly position: Position } | null;
  #failure: { readonly error: unknown } | null = null;
  /** The consumer waits for this one: there may be something to take. */
  readonly bell: Bell;
  /** The receiver waits for this one. */
  #room: PromiseWithResolvers<void> | null = null;
  #holdPoint: HoldPoint | null = null;
  readonly #reached: (pos: Lsn) => void;
  #told: Lsn | null = null;
  readonly #turn = new Turn();

  constructor({ transactions, batches, witness, events, look, bell = new Bell(), reached = () => {} }: StreamOptions) {
    this.bell = bell;
    this.#reached = reached;
    this.#transactions = transactions;
    this.#batches = batches;
    this.#witness = witness;
    this.#outset = { events, position: transactions.position };
    this.#idle = new Idle(transactions.position.pos);
    this.#poll = new CatalogPoll(
      look,
      (reading) => this.#looked(reading),
      (error) => this.failed(error),
    );
  }

  /** The next batch; null when `signal` aborts, or when all before a stop is handed over. Rejects with what ended the stream. */
  async next(signal: AbortSignal): Promise<RawBatch | null> {
    const wake = () => this.bell.ring();
    signal.addEventListener('abort', wake);
    try {
      for (;;) {
        if (this.#failure) throw this.#failure.error; // it may be why the signal aborts
        if (signal.aborted) return null;
        const batch = this.take();
        if (batch || this.#isHeld) return batch;
        await this.bell.rung;
      }
    } finally {
      signal.removeEventListener('abort', wake);
    }
  }

  /** A batch, if there is one. Throws what ended the stream. */
  take(): RawBatch | null {
    if (this.#failure) throw this.#failure.error;
    if (!this.#witness.found) return null;
    const batch = this.#takeOutset() ?? this.#batches.take() ?? this.#takeIdle();
    if (batch?.position) this.#idle.passed(batch.position.pos);
    if (!this.#batches.isFull) this.#room?.resolve();
    return batch;
  }

  /** Where all that was read so far ends. */
  get position(): Position {
    return this.#transactions.position;
  }

  /**
   * Holds the stream for one of those who want to, in the order of asking: two copies may get to their hand-over at once. See `stopAt`;
   * `lsn` is asked for when it is the caller's turn. Rejects with the signal's reason as well.
   */
  async hold(lsn: () => Lsn, signal: AbortSignal): Promise<Hold> {
    const end = await this.#turn.take(signal);
    if (signal.aborted) {
      end();
      throw signal.reason;
    }
    const release = () => {
      this.goOn();
      end();
    };
    try {
      return { position: await unlessAborted(this.stopAt(lsn()), signal), release };
    } catch (error) {
      release();
      throw error;
    }
  }

  /**
   * Stops between two transactions, as soon as all that committed before `lsn` is read: no transaction from there on is looked
   * at before `goOn`. Resolves with the position then; rejects with what ends the stream before.
   */
  stopAt(lsn: Lsn): Promise<Position> {
    this.#holdPoint = { lsn, reached: Promise.withResolvers(), left: Promise.withResolvers() };
    this.#holdPoint.reached.promise.catch(() => {}); // nobody may wait for it
    this.#checkHold();
    return this.#holdPoint.reached.promise;
  }

  goOn(): void {
    this.#holdPoint?.left.resolve();
    this.#holdPoint = null;
  }

  /** While held: takes tables over from another stream that has got there too. Their changes from here on are of this stream. */
  takeOver(tables: readonly Handed[]): void {
    this.#say(this.#transactions.takeOver(tables));
  }

  /** While held: these tables stop here. */
  giveUp(names: readonly string[], why: Why): void {
    this.#say(this.#transactions.giveUp(names, why));
  }

  #say(events: readonly TableEvent<'raw'>[]): void {
    for (const event of events) this.#batches.event(event);
    this.#batches.commit(this.position);
    this.bell.ring();
  }

  /** While held: the tables that stream here, for another stream. */
  handOver(): Handed[] {
    return this.#transactions.handOver();
  }

  /** Somebody waits for the position `lsn`: it is handed over as soon as the server got there, changes or not. */
  want(lsn: Lsn): void {
    this.#idle.want(lsn);
  }

  message(bytes: Buffer, start: number, end: number): Promise<void> | null {
    if (this.#holdPoint && this.#isHeldBefore(bytes, start, end)) {
      return this.#holdPoint.left.promise.then(async () => void (await this.message(bytes, start, end)));
    }
    const answer = this.#transactions.accept(bytes, start, end);
    if (answer) return answer;
    this.#checkHold();
    this.bell.ring();
    if (!this.#batches.isFull) return null;
    this.#room = Promise.withResolvers();
    return this.#room.promise;
  }

  keepalive(walEnd: Lsn): void {
    if (this.#isHeld) return;
    this.#transactions.keepalive(walEnd);
    this.#checkHold();
    this.bell.ring();
  }

  tick(): boolean {
    this.bell.ring();
    this.#tellReached();
    if (this.#witness.found && !this.#transactions.isJudging) this.#poll.tick(performance.now());
    const isAwaited = this.#holdPoint !== null && !this.#isHeld;
    return !this.#witness.found || this.#idle.isWanted || this.#transactions.isJudging || isAwaited;
  }

  failed(error: unknown): void {
    this.#failure ??= { error };
    this.#holdPoint?.reached.reject(error);
    this.bell.ring();
  }

  get #isHeld(): boolean {
    const { position, isInside } = this.#transactions;
    return this.#holdPoint !== null && !isInside && position.pos >= this.#holdPoint.lsn;
  }

  #checkHold(): void {
    if (this.#isHeld) this.#holdPoint!.reached.resolve(this.position);
  }

  /** Whether a message between two transactions has to wait. A BEGIN says where its transaction committed: all before that was sent. */
  #isHeldBefore(bytes: Buffer, start: number, end: number): boolean {
    const { lsn } = this.#holdPoint!;
    if (this.#transactions.isInside) return false;
    if (bytes[start] === MESSAGE.begin && readBegin(bytes, start, end).clsn >= lsn) this.keepalive(lsn);
    return this.#isHeld;
  }

  #tellReached(): void {
    const { pos } = this.#transactions.position;
    if (this.#outset || !this.#batches.isEmpty || pos === this.#told) return;
    this.#told = pos;
    this.#reached(pos);
  }

  #looked(reading: Reading): void {
    this.#transactions.looked(reading);
    this.bell.ring();
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
