import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import type { RawBatch, RedactedBatch, TableEvent } from '../core/batch.ts';
import type { Checkpoint, Position, TableEntry } from '../core/checkpoint.ts';
import { ofSink } from '../core/errors.ts';
import { reach } from '../core/fault.ts';
import type { Lsn } from '../core/lsn.ts';
import type { Observe } from '../core/observer.ts';
import type { Redactor } from '../core/redactor.ts';
import type { Sink } from '../core/sink.ts';
import type { Source } from '../core/source.ts';
import type { Stage } from '../core/tuple.ts';
import { Acks } from './acks.ts';
import { Goal } from './goal.ts';
import { Lane } from './lane.ts';

export interface Parts {
  readonly source: Source;
  /** By the name the configuration gives them. */
  readonly sinks: ReadonlyMap<string, Sink>;
  readonly redactor: Redactor;
  readonly observe: Observe;
  /** Bytes that may be queued, over all lanes. */
  readonly memory: number;
}

/** What earlier sessions found out and what this one has to respect. */
export interface Outset {
  /** Tables that a sink could not go on with: name to code. */
  readonly halts: ReadonlyMap<string, string>;
  /** Forget the position and copy every table. */
  readonly anew: boolean;
  /** Stop once everything committed before the start is durable. */
  readonly untilCaughtUp: boolean;
  /** Called once when the first batch is through: the source can be read. */
  readonly healthy: () => void;
  /** Called whenever more is durable than before: whatever was wrong is over. */
  readonly advanced: () => void;
  /** A table was copied anew: what halted it is over. */
  readonly healed: (table: string) => void;
}

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
    const tables = parts.redactor.open(from.tables, outset.halts);
    await new Session(parts, outset, checkpoints).run({ ...from, tables }, signal);
  } finally {
    await Promise.allSettled([parts.source.close(), ...[...parts.sinks.values()].map((sink) => sink.close())]);
  }
}

async function openSinks(sinks: ReadonlyMap<string, Sink>, signal: AbortSignal): Promise<Map<string, Checkpoint>> {
  const checkpoints = new Map<string, Checkpoint>();
  for (const [name, sink] of sinks) checkpoints.set(name, await naming(name, sink.open(signal)));
  return checkpoints;
}

/** Several sinks may be of one kind: what one of them rejects with says which it is. */
async function naming<T>(sink: string, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    throw ofSink(sink, error);
  }
}

/** The earliest of the sinks' checkpoints; without any position everything is copied. */
function whereToRead(checkpoints: ReadonlyMap<string, Checkpoint>, anew: boolean): Checkpoint {
  const [first, ...others] = checkpoints.values();
  const earliest = others.reduce((least, one) => (isBefore(one.position, least.position) ? one : least), first!);
  return anew || !earliest.position ? unfinished(earliest.tables) : earliest;
}

/** Everything is copied: nothing of what is there counts, but what the columns' names were bound to does. */
function unfinished(tables: Checkpoint['tables']): Checkpoint {
  const absent = ([name, entry]: [string, TableEntry]) => [name, { ...entry, state: { state: 'absent' } }] as const;
  return { position: null, tables: new Map([...tables].map(absent)) };
}

function isBefore(one: Position | null, other: Position | null): boolean {
  return other !== null && (one === null || one.pos < other.pos);
}

type Event = TableEvent<'redacted'>;
type SettledEvent<S extends Stage> = Extract<TableEvent<S>, { readonly type: 'copy read' | 'copy finished' }>;

/** What sets something going in the sinks that ends beside the stream: see Sink.settled. */
function isSettled<S extends Stage>(event: TableEvent<S>): event is SettledEvent<S> {
  return event.type === 'copy read' || event.type === 'copy finished';
}

function nameOf(event: Event): string {
  return event.type === 'stopped' ? event.name : event.table.name;
}

class Session {
  readonly #parts: Parts;
  readonly #outset: Outset;
  readonly #acks: Acks;
  /** Where the slowest sink stood. */
  readonly #from: Lsn | null;
  readonly #lanes = new Map<string, Lane>();
  /** Aborts the reading: the outer signal, a lane that failed, or being caught up. */
  readonly #stop = new AbortController();
  readonly #goal: Goal;
  /** A sink took a position of this session: the source and the rules are what they were, or it would have failed before. */
  #isConfirmed = false;
  #started = false;

  constructor(parts: Parts, outset: Outset, checkpoints: ReadonlyMap<string, Checkpoint>) {
    this.#parts = parts;
    this.#outset = outset;
    const positions = [...checkpoints].map(
      ([name, { position }]) => [name, outset.anew ? null : (position?.pos ?? null)] as const,
    );
    this.#acks = new Acks(0n, new Map(positions));
    this.#from = this.#acks.least;
    this.#goal = new Goal(parts.source, (lsn) => this.#isDurable(lsn));
    const limit = (parts.memory * QUEUE_SHARE) / parts.sinks.size;
    for (const [name, sink] of parts.sinks) {
      const written = (batch: RedactedBatch) => this.#written(batch);
      const durable = ({ pos }: Position) => this.#durable(name, pos);
      this.#lanes.set(name, new Lane(sink, limit, { written, durable }));
    }
  }

  async run(from: Checkpoint, signal: AbortSignal): Promise<void> {
    const stopped = AbortSignal.any([signal, this.#stop.signal]);
    const lanes = [...this.#lanes];
    const writing = lanes.map(([name, lane]) => this.#orStop(naming(name, lane.run())));
    this.#positions = from.position ? null : new Map();
    if (!from.position) void this.#orStop(this.#awaitFirstCopy());
    if (this.#outset.untilCaughtUp) void this.#orStop(this.#goal.reached().then(() => this.#stop.abort()));
    await this.#orStop(this.#read(from, stopped));
    for (const [, lane] of lanes) lane.end();
    await Promise.race([Promise.all(writing), sleep(DRAIN_MS, undefined, { ref: false })]);
    if (this.#failure) throw this.#failure.error;
  }

  /** Row by row this is all there is: read, redact, hand to every lane. */
  async #read(from: Checkpoint, stopped: AbortSignal): Promise<void> {
    const lanes = [...this.#lanes.values()];
    for await (const batch of this.#parts.source.read(from, stopped)) {
      this.#unsettled += batch.events.filter(isSettled).length;
      await nextTurn(); // Batches may be ready in numbers. Each holds the event loop for long enough.
      const redacted = this.#parts.redactor.redact(batch);
      this.#report(redacted);
      this.#giveUp(batch, redacted);
      await Promise.all(lanes.map((lane) => lane.push(redacted)));
      if (stopped.aborted) break;
    }
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
    for (const event of batch.events.filter(isSettled)) void this.#orStop(this.#settle(event));
  }

  /** How much goes on in the sinks beside the stream, from the moment that it was read: nothing is caught up before. */
  #unsettled = 0;

  async #settle({ type, table }: SettledEvent<'redacted'>): Promise<void> {
    const settled = await Promise.all(
      [...this.#parts.sinks].map(([name, sink]) => naming(name, sink.settled(table.name))),
    );
    this.#unsettled--;
    const isWhole = settled.every(Boolean);
    const { name, generation } = table;
    if (type === 'copy read') this.#parts.source.settled(name, generation, isWhole);
    else if (isWhole) {
      this.#outset.healed(name);
      this.#parts.observe({ type: 'table', table: name, generation, state: 'streaming' });
    }
    this.#goal.check();
  }

  /** No sink will ever hear of the copy of a table that halted in the redactor. */
  #giveUp({ events }: RawBatch, redacted: RedactedBatch): void {
    const passed = redacted.events.filter(isSettled);
    for (const event of events.filter(isSettled)) {
      const { name } = event.table;
      if (passed.some(({ type, table }) => type === event.type && table.name === name)) continue;
      this.#unsettled--;
      if (event.type === 'copy read') this.#parts.source.settled(name, event.generation, false);
    }
    this.#goal.check();
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
    return this.#unsettled === 0 && this.#isConfirmed && least !== null && least >= lsn;
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
