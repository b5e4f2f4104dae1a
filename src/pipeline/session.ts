import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import type { RedactedBatch, TableEvent } from '../core/batch.ts';
import type { Checkpoint, Position } from '../core/checkpoint.ts';
import { ofSink, type PgveilError } from '../core/errors.ts';
import { reach } from '../core/fault.ts';
import type { Lsn } from '../core/lsn.ts';
import type { Beginning } from '../core/source.ts';
import type { RedactedTable } from '../core/table.ts';
import { Acks } from './acks.ts';
import { openSinks, whereToRead } from './checkpoints.ts';
import { countChanges } from './count.ts';
import { Goal } from './goal.ts';
import { Lane } from './lane.ts';
import { naming } from './naming.ts';
import { OrderBook } from './order-book.ts';
import type { Outset, Parts } from './parts.ts';
import { isSettled, Settlements } from './settlements.ts';

/** After a signal, how long what is in hand may take to become durable; the rest is rolled back and read again. */
const DRAIN_MS = 7_000;

/** A share of `memory` for what waits in the lanes; the rest is for a batch in the making and for those under way. */
const QUEUE_SHARE = 1 / 32;

/**
 * One life of the pipeline between opening its parts and the first failure: source → redactor → lanes.
 * Resolves when `signal` aborts, or when it has caught up; what was read and can be durable is durable then.
 * Rejects with what failed first. The parts are closed in either case.
 */
export async function runSession(parts: Parts, outset: Outset, signal: AbortSignal): Promise<void> {
  try {
    await parts.source.open(signal);
    const checkpoints = await openSinks(parts.sinks, signal);
    const from = whereToRead(checkpoints, outset.anew);
    for (const [sink, { position }] of checkpoints) {
      if (position && from.position) parts.observe({ type: 'durable', sink, pos: position.pos });
    }
    const tables = parts.redactor.open(from.tables, outset.halts, outset.desk.orders, from.apart);
    const book = new OrderBook(parts, outset.healed);
    outset.desk.open(book);
    await new Session(parts, outset, checkpoints, book).run({ ...from, tables }, signal);
  } finally {
    outset.desk.close();
    await Promise.allSettled([parts.source.close(), ...[...parts.sinks.values()].map((sink) => sink.close())]);
  }
}

type Event = TableEvent<'redacted'>;

function endsCopy({ type }: Event): boolean {
  return type === 'copy finished';
}

function nameOf(event: Event): string {
  return event.type === 'stopped' ? event.name : event.table.name;
}

class Session {
  readonly #parts: Parts;
  readonly #outset: Outset;
  readonly #book: OrderBook;
  readonly #acks: Acks;
  /** Where the slowest sink stood. */
  readonly #from: Lsn | null;
  readonly #lanes = new Map<string, Lane>();
  /** Aborts the reading: the outer signal, a lane that failed, or being caught up. */
  readonly #stop = new AbortController();
  readonly #goal: Goal;
  readonly #settlements: Settlements;
  /** A sink took a position of this session: the source and the rules are what they were, or it would have failed before. */
  #isConfirmed = false;
  #started = false;

  constructor(parts: Parts, outset: Outset, checkpoints: ReadonlyMap<string, Checkpoint>, book: OrderBook) {
    this.#parts = parts;
    this.#outset = outset;
    const positions = [...checkpoints].map(
      ([name, { position }]) => [name, outset.anew ? null : (position?.pos ?? null)] as const,
    );
    this.#acks = new Acks(0n, new Map(positions));
    this.#from = this.#acks.least;
    this.#book = book;
    this.#before = [...checkpoints.values()].find(({ position }) => position !== null)?.position ?? null;
    const hurry = () => this.#hurry();
    this.#goal = new Goal(parts.source, (lsn) => this.#isDurable(lsn), hurry);
    this.#settlements = new Settlements(parts, { healed: outset.healed, changed: () => this.#goal.check() });
    const limit = (parts.memory * QUEUE_SHARE) / parts.sinks.size;
    for (const [name, sink] of parts.sinks) {
      const written = (batch: RedactedBatch) => this.#written(batch);
      const refused = (batch: RedactedBatch, table: RedactedTable, error: PgveilError) => {
        this.#settlements.refused(table, ofSink(name, error));
        if (batch.events.some(isSettled)) written(batch); // the other sinks settle it as ever
      };
      const durable = ({ pos }: Position, batches: number) => {
        this.#book.durable(name, batches);
        this.#durable(name, pos);
      };
      const held = this.#from === null ? null : checkpoints.get(name)!.position!.pos;
      this.#lanes.set(name, new Lane(sink, { limit, held }, { written, refused, durable }));
    }
  }

  async run(from: Beginning, signal: AbortSignal): Promise<void> {
    const stopped = AbortSignal.any([signal, this.#stop.signal]);
    const lanes = [...this.#lanes];
    const writing = lanes.map(([name, lane]) => this.#orStop(naming(name, lane.run())));
    this.#positions = from.position ? null : new Map();
    if (!from.position) void this.#orStop(this.#awaitFirstCopy());
    if (this.#outset.untilCaughtUp) void this.#orStop(this.#goal.reached().then(() => this.#stop.abort()));
    await this.#orStop(this.#read(from, stopped));
    for (const [, lane] of lanes) lane.end();
    await Promise.race([Promise.all(writing), sleep(DRAIN_MS, undefined, { ref: false })]);
    this.#book.close();
    if (this.#failure) throw this.#failure.error;
  }

  /** Row by row this is all there is: read, redact, hand to every lane. */
  async #read(from: Beginning, stopped: AbortSignal): Promise<void> {
    const lanes = [...this.#lanes.values()];
    for await (const batch of this.#parts.source.read(from, stopped)) {
      this.#settlements.read(batch);
      await nextTurn(); // Batches may be ready in numbers. Each holds the event loop for long enough.
      if (batch.position && this.#isOtherDatabase(batch.position)) this.#parts.redactor.unbind();
      const redacted = this.#parts.redactor.redact(batch);
      const isOrdered = this.#book.pushed(batch);
      this.#report(redacted);
      this.#settlements.redacted(batch, redacted);
      const pushed = lanes.map((lane) => lane.push(redacted));
      if (isOrdered || this.#goal.awaits(batch) || redacted.events.some(endsCopy)) this.#hurry();
      await Promise.all(pushed);
      if (stopped.aborted) break;
    }
  }

  /** Somebody waits: a command, a copy that is to take its place, or whoever wants to be caught up. */
  #hurry(): void {
    for (const lane of this.#lanes.values()) lane.hurry();
  }

  /** What an accepted source is compared with: where the sinks stood before. */
  #before: Position | null;

  #isOtherDatabase({ history }: Position): boolean {
    const before = this.#before?.history ?? history;
    this.#before = null;
    return before.systemIdentifier !== history.systemIdentifier || before.databaseOid !== history.databaseOid;
  }

  #report(batch: RedactedBatch): void {
    if (batch.position) {
      const commitTime = batch.changes.at(-1)?.transaction.commitTime ?? null;
      this.#parts.observe({ type: 'received', pos: batch.position.pos, commitTime });
    }
    if (!this.#started) this.#outset.healthy();
    this.#started = true;
  }

  readonly #unwritten = new WeakMap<RedactedBatch, number>();

  /** What became of a table is told when every sink has it: a copy that only was read is in no twin yet. */
  #written(batch: RedactedBatch): void {
    const left = (this.#unwritten.get(batch) ?? this.#lanes.size) - 1;
    this.#unwritten.set(batch, left);
    if (left > 0) return;
    for (const [table, { generation, state }] of batch.entries) {
      const last = batch.events.findLast((event) => nameOf(event) === table);
      // Of a copy that is under way or waits to take its place there is nothing to be seen yet.
      if (!last?.type.startsWith('copy')) this.#parts.observe({ type: 'table', table, generation, ...state });
    }
    if (batch.events.some(({ type }) => type === 'chunk finished')) this.#outset.advanced();
    countChanges(batch, this.#parts.observe);
    void this.#orStop(this.#settlements.written(batch));
  }

  /** What is durable in each sink, as long as the first copy is not: nobody can do anything with such a position. */
  #positions: Map<string, Lsn> | null = null;

  async #awaitFirstCopy(): Promise<void> {
    await this.#parts.source.copied();
    for (const [sink, pos] of this.#positions ?? []) this.#parts.observe({ type: 'durable', sink, pos });
    this.#positions = null;
  }

  #durable(sink: string, pos: Lsn): void {
    this.#isConfirmed = true;
    if (this.#positions) this.#positions.set(sink, pos);
    else this.#parts.observe({ type: 'durable', sink, pos });
    const lsn = this.#acks.durable(sink, pos);
    if (lsn !== null) {
      if (this.#from === null || lsn > this.#from) this.#outset.advanced();
      reach('before the ack');
      this.#parts.source.ack(lsn);
      this.#parts.observe({ type: 'acked', pos: lsn });
      reach('after the ack');
    }
    this.#goal.check();
  }

  #isDurable(lsn: Lsn): boolean {
    const { least } = this.#acks;
    return this.#settlements.isOver && this.#isConfirmed && least !== null && least >= lsn;
  }

  #failure: { readonly error: unknown } | null = null;

  /** Any part's failure ends the reading, and the first one is what the session rejects with. */
  async #orStop(work: Promise<void>): Promise<void> {
    try {
      await work;
    } catch (error) {
      this.#failure ??= { error };
      this.#stop.abort();
    }
  }
}
