import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import { nameOf, type RedactedBatch } from '../../core/batch.ts';
import { type Checkpoint, type History, isSameDatabase, type Position } from '../../core/checkpoint.ts';
import { ofSink, type PgveilError } from '../../core/errors.ts';
import type { Lsn } from '../../core/lsn.ts';
import type { Observation } from '../../core/observer.ts';
import type { Sink } from '../../core/sink.ts';
import type { Beginning } from '../../core/source.ts';
import { whereToRead } from '../checkpoints.ts';
import { naming } from '../naming.ts';
import type { Parts, SessionContext } from '../parts.ts';
import type { Running } from '../roster.ts';
import { countChanges } from './count.ts';
import { Durable } from './durable.ts';
import { Goal } from './goal.ts';
import { Lane } from './lane.ts';
import { OrderBook } from './order-book.ts';
import { isSettled, Settlements } from './settlements.ts';
import { endsCopy, Tables } from './tables.ts';
import { Unwritten } from './unwritten.ts';

/** After a signal, how long what is in hand may take to become durable; the rest is rolled back and read again. */
const DRAIN_MS = 7_000;

/** How often one that has caught up asks whether it may end. */
const LOOK_MS = 250;

/** A share of `memory` for what waits in the lanes; the rest is for a batch in the making and for those under way. */
const QUEUE_SHARE = 1 / 32;

/**
 * One life of the pipeline between opening its parts and the first failure: source → redactor → lanes.
 * Resolves when `signal` aborts, when it was asked to end, or when it has caught up; what was read and can be durable is durable then.
 * Rejects with what failed first. The parts are closed in either case.
 */
export async function runSession(parts: Parts, context: SessionContext, signal: AbortSignal): Promise<void> {
  const sinks = new Map<string, Sink>();
  try {
    await parts.source.open(signal);
    const { checkpoints, told, names } = await context.roster.gather(signal);
    for (const name of checkpoints.keys()) sinks.set(name, parts.sinks.get(name)!);
    const from = whereToRead(checkpoints, context.anew);
    if (!from.position) context.roster.holds.clear();
    for (const [sink, { position }] of checkpoints) {
      if (position && from.position) parts.observe({ type: 'durable', sink, pos: position.pos });
    }
    const apart = new Set([...from.apart, ...told]);
    const { halts, desk } = context;
    const tables = parts.redactor.open(from.tables, { halts, orders: desk.orders, apart, names });
    const here = { ...parts, sinks };
    const book = new OrderBook(here, context.healed);
    context.desk.open(book);
    await new Session(here, context, checkpoints, { ...from, tables }, book).run(signal);
  } finally {
    context.desk.close();
    context.roster.ended();
    await Promise.allSettled([parts.source.close(), ...[...sinks.values()].map((sink) => sink.close())]);
  }
}

class Session implements Running {
  /** `sinks` are those that are here; one that leaves is in it no longer. */
  readonly #parts: Parts & { readonly sinks: Map<string, Sink> };
  readonly #context: SessionContext;
  readonly #from: Beginning;
  readonly #book: OrderBook;
  readonly #lanes = new Map<string, Lane>();
  readonly #durable: Durable;
  readonly #tables: Tables;
  /** Aborts the reading: the outer signal, a lane that failed, or being caught up. */
  readonly #stop = new AbortController();
  readonly #goal: Goal;
  readonly #settlements: Settlements;
  readonly #unwritten = new Unwritten((batch) => this.#written(batch));
  #history: History | null;
  #started = false;
  #isOver = false;
  #failure: { readonly error: unknown } | null = null;

  constructor(
    parts: Parts & { readonly sinks: Map<string, Sink> },
    context: SessionContext,
    checkpoints: ReadonlyMap<string, Checkpoint>,
    from: Beginning,
    book: OrderBook,
  ) {
    this.#parts = parts;
    this.#context = context;
    this.#from = from;
    const reached = [...checkpoints].map(
      ([name, { position }]) => [name, context.anew ? null : (position?.pos ?? null)] as const,
    );
    this.#durable = new Durable(parts, new Map(reached), context.roster.holds, from.position);
    this.#tables = new Tables(from.tables);
    this.#book = book;
    const held = [...checkpoints.values()].find(({ position }) => position !== null);
    this.#history = held?.position?.history ?? null;
    const hurry = () => this.hurry();
    this.#goal = new Goal(parts.source, (lsn) => this.#settlements.isOver && this.#durable.reaches(lsn), hurry);
    const left = (sink: string, error: unknown) => this.#leftBy(sink, error);
    this.#settlements = new Settlements(parts, { healed: context.healed, changed: () => this.#goal.check(), left });
  }

  async run(signal: AbortSignal): Promise<void> {
    const { roster } = this.#context;
    const stopped = AbortSignal.any([signal, this.#stop.signal]);
    for (const [name, sink] of this.#parts.sinks) this.#lanes.set(name, this.#laneOf(name, sink));
    const writing = [...this.#lanes].map(([name, lane]) => this.#orStop(this.#write(name, lane)));
    roster.begin(this);
    if (!this.#from.position) void this.#orStop(this.#parts.source.copied().then(() => this.#durable.tell()));
    if (roster.mayEnd) void this.#orStop(this.#endCaughtUp(roster.mayEnd, stopped));
    await this.#orStop(this.#read(stopped));
    for (const lane of this.#lanes.values()) lane.end();
    await Promise.race([Promise.all(writing), sleep(DRAIN_MS, undefined, { ref: false })]);
    this.#cutOff();
    this.#book.close();
    if (this.#failure) throw this.#failure.error;
  }

  get entries(): Checkpoint['tables'] {
    return this.#tables.entries;
  }

  get history(): History | null {
    return this.#history;
  }

  get isCopying(): boolean {
    return this.#tables.isCopying;
  }

  hold(sink: string, pos: Lsn | null): void {
    this.#durable.hold(sink, pos);
  }

  release(sink: string): void {
    this.#durable.release(sink);
    this.#goal.check();
  }

  get positions(): Running['positions'] {
    return this.#durable.positions;
  }

  hurry(): void {
    for (const lane of this.#lanes.values()) lane.hurry();
  }

  dismiss(sink: string, error: PgveilError): boolean {
    return this.#leave(sink, error);
  }

  end(): void {
    this.#stop.abort();
  }

  #laneOf(name: string, sink: Sink): Lane {
    const limit = (this.#parts.memory * QUEUE_SHARE) / this.#parts.sinks.size;
    const held = this.#from.position ? this.#durable.of(name) : null;
    return new Lane(
      sink,
      { limit, held },
      {
        written: (batch) => this.#unwritten.written(batch, name),
        refused: (batch, table, error) => {
          this.#settlements.refused(table, ofSink(name, error));
          if (batch.events.some(isSettled))
            this.#unwritten.written(batch, name); // the other sinks settle it as ever
          else this.#unwritten.forget(batch);
        },
        durable: ({ pos }, batches) => {
          this.#book.durable(name, batches);
          if (this.#durable.note(name, pos)) this.#context.advanced();
          this.#goal.check();
        },
      },
    );
  }

  /** Writes what is pushed. Rejects where the others cannot go on without this sink. */
  async #write(name: string, lane: Lane): Promise<void> {
    try {
      await naming(name, lane.run());
    } catch (error) {
      if (!this.#leave(name, error)) throw error;
    }
  }

  /** True where the sink is gone, and the others go on. */
  #leave(name: string, error: unknown): boolean {
    if (this.#isOver) return false;
    if (!this.#lanes.has(name)) return true;
    if (this.#lanes.size === 1 || !this.#context.roster.leave(name, this.#durable.of(name), error)) return false;
    this.#lanes.get(name)!.leave();
    this.#lanes.delete(name);
    this.#parts.sinks.delete(name);
    this.#book.left(name);
    this.#unwritten.leave(name);
    return true;
  }

  /** Writers that are not through, and what goes on beside the stream, fail when their sinks are closed: that is nobody's absence. */
  #cutOff(): void {
    this.#isOver = true;
    for (const lane of this.#lanes.values()) lane.leave();
  }

  /** What a sink builds beside the stream ends as well when its writer fails, and may say so first, in other words. */
  async #leftBy(name: string, error: unknown): Promise<boolean> {
    await nextTurn();
    return this.#leave(name, error);
  }

  async #endCaughtUp(mayEnd: () => boolean, stopped: AbortSignal): Promise<void> {
    await this.#goal.reached();
    while (!mayEnd()) {
      await sleep(LOOK_MS, undefined, { ref: false });
      if (stopped.aborted) return;
      await this.#goal.reached();
    }
    this.#stop.abort();
  }

  /** Row by row this is all there is: read, redact, hand to every lane. */
  async #read(stopped: AbortSignal): Promise<void> {
    for await (const batch of this.#parts.source.read(this.#from, stopped)) {
      this.#settlements.read(batch);
      await nextTurn(); // Batches may be ready in numbers. Each holds the event loop for long enough.
      if (batch.position) this.#stand(batch.position);
      const redacted = this.#parts.redactor.redact(batch);
      const isOrdered = this.#book.pushed(batch);
      this.#report(redacted);
      this.#settlements.redacted(batch, redacted);
      this.#tables.follow(redacted);
      if (redacted.entries.size > 0) this.#context.roster.bound(redacted.entries);
      this.#unwritten.pushed(redacted, this.#lanes.keys());
      const pushed = [...this.#lanes.values()].map((lane) => lane.push(redacted));
      if (isOrdered || this.#goal.awaits(batch) || redacted.events.some(endsCopy)) this.hurry();
      await Promise.all(pushed);
      if (stopped.aborted) break;
    }
  }

  /** Where the sinks stood before may have been in another database than the one that was accepted since. */
  #stand({ history }: Position): void {
    const isOther = this.#history !== null && !isSameDatabase(this.#history, history);
    if (isOther) this.#parts.redactor.unbind(this.#context.roster.namesIn(history));
    this.#history = history;
  }

  #report(batch: RedactedBatch): void {
    const received = receivedIn(batch);
    if (received) this.#parts.observe(received);
    if (!this.#started) this.#context.healthy();
    this.#started = true;
  }

  /** What became of a table is told when every sink has it: a copy that only was read is in no twin yet. */
  #written(batch: RedactedBatch): void {
    for (const [table, { generation, state }] of batch.entries) {
      const last = batch.events.findLast((event) => nameOf(event) === table);
      // Of a copy that is under way or waits to take its place there is nothing to be seen yet.
      if (!last?.type.startsWith('copy')) this.#parts.observe({ type: 'table', table, generation, ...state });
    }
    if (batch.events.some(({ type }) => type === 'chunk finished')) this.#context.advanced();
    countChanges(batch, this.#parts.observe);
    void this.#orStop(this.#settlements.written(batch));
  }

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

/** A transaction is durable where a sink's position lies beyond its clsn: that is known before its end came in. */
function receivedIn({ changes, chunk, position }: RedactedBatch): Observation | null {
  const last = changes.at(-1)?.transaction;
  if (last && !chunk) return { type: 'received', pos: last.clsn + 1n, commitTime: changes[0]!.transaction.commitTime };
  return position && { type: 'received', pos: position.pos, commitTime: null };
}
