import { setTimeout as sleep } from 'node:timers/promises';
import type { RawBatch, TableEvent } from '../../../src/core/batch.ts';
import { ASKED_FOR, type Checkpoint } from '../../../src/core/checkpoint.ts';
import type { PgveilError } from '../../../src/core/errors.ts';
import type { Observe } from '../../../src/core/observer.ts';
import type { Rules } from '../../../src/core/source.ts';
import type { Bell } from '../bell.ts';
import { stale } from '../catalog/definition.ts';
import type { Leaf, TableReading } from '../catalog/reading.ts';
import { haltedBy } from '../catalog/stop.ts';
import { CHUNK_BYTES } from '../copy/chunk.ts';
import type { Why } from '../stream/question.ts';
import { Due, type Retry, reasonOf } from './due.ts';
import { type Copy, Line } from './line.ts';
import { NOTHING, Offers } from './offers.ts';
import { Orders } from './orders.ts';
import { definitionOf, judgeDue } from './verdict.ts';

export interface RecopiesOptions {
  readonly names: Iterable<string>;
  readonly entries: Checkpoint['tables'];
  readonly rules: Rules;
  readonly observe: Observe;
  /** Bytes from which on a table that changed waits for a person. */
  readonly autoBelow: number;
  readonly retry: Retry;
  /** Rung when there is something to take. */
  readonly bell: Bell;
  readonly look: (names: readonly string[]) => Promise<ReadonlyMap<string, TableReading>>;
  /** Bytes on disk by oid, of those that can be measured without waiting. */
  readonly measure: (leaves: readonly Leaf[]) => Promise<ReadonlyMap<number, number>>;
  readonly copy: Copy;
  /** Has the stream stop these tables between two transactions, and say why. */
  readonly stop: (names: readonly string[], why: Why, signal: AbortSignal) => Promise<void>;
}

/** How often a table is looked at that is not to be copied as it is. */
const LOOK_MS = 2000;

/**
 * A table of more is copied in a line of its own: the others are copied within seconds each, and must not wait for one that takes hours.
 * It is one chunk, a second or so of reading: cutting finer would win nothing, and a larger bound would let small ones wait for more.
 */
const SMALL_BYTES = CHUNK_BYTES;

/** After which another table may be due. */
const WAKING = new Set<TableEvent<'raw'>['type']>(['ordered', 'stopped', 'copy finished']);

/** Copies tables anew while the others stream: whichever are due, in two lines. Small ones wait for small ones only. */
export class Recopies {
  readonly #options: RecopiesOptions;
  readonly #due: Due;
  readonly #offers: Offers;
  readonly #lines: { readonly small: Line; readonly large: Line };
  /** Tables that wait for their line, so that nobody looks at them in vain until it is free. */
  readonly #queued = new Map<string, Line>();
  #failure: { readonly error: unknown } | null = null;
  readonly #orders = new Orders();
  /** Copies that were handed over and cannot take their place: their tables stream, and must not. */
  readonly #blocked = new Map<string, PgveilError>();
  /** Something was found out. */
  #noted = Promise.withResolvers<void>();
  /** The stream has told which tables stop where it begins. */
  readonly #begun = Promise.withResolvers<void>();

  constructor(options: RecopiesOptions) {
    const { names, entries, retry, bell } = options;
    this.#options = options;
    this.#due = new Due(names, entries, retry);
    this.#offers = new Offers(bell);
    const line = { ...options, due: this.#due, offers: this.#offers };
    this.#lines = { small: new Line(line), large: new Line(line) };
  }

  /** Works until `signal` aborts; a failure is thrown by `take`. Called when the first of the stream's own batches is out. */
  async run(signal: AbortSignal): Promise<void> {
    this.#begun.resolve();
    try {
      while (!signal.aborted) {
        const noted = this.#noted.promise;
        await this.#stopOrdered(signal);
        await this.#stopBlocked(signal);
        this.#begin(await this.#choose(signal), signal);
        await Promise.race([noted, sleep(LOOK_MS, undefined, { signal, ref: false })]);
      }
    } catch (error) {
      this.#fail(error, signal);
    } finally {
      await Promise.all(Object.values(this.#lines).map((line) => line.ended()));
    }
  }

  /** A batch, if there is one. */
  take(): RawBatch | null {
    if (this.#failure) throw this.#failure.error;
    const batch = this.#offers.take();
    if (batch) this.note(batch.events);
    return batch;
  }

  /** What is handed out otherwise, in the same order. */
  note(events: readonly TableEvent<'raw'>[]): void {
    for (const event of events) {
      if (event.type === 'stopped') this.#tellDropped(event);
      this.#due.note(event);
    }
    if (events.some(({ type }) => WAKING.has(type))) this.#wake();
  }

  /** Nobody will take the changes of this copy: the same definition is not copied again. */
  giveUp(name: string, generation: number): void {
    if (!this.#due.isCopying(name) || this.#due.generationOf(name) !== generation) return;
    if (this.#due.failureOf(name) !== null) return; // what is to become of it was said
    this.#due.refuse(name);
    this.#wake();
  }

  /** A sink could not go on with this copy: once it is over, the table is halted for that reason. */
  refused(name: string, generation: number, error: PgveilError): void {
    if (this.#due.generationOf(name) !== generation) return;
    const { code, message, fix } = error;
    this.#options.observe({ type: 'warning', table: name, code, message, fix });
    if (this.#due.isCopying(name)) this.#due.refused(name, error);
    else this.#blocked.set(name, error);
    this.#wake();
  }

  /** See Source.recopy. */
  ask(name: string, approved: string | null): void {
    this.#orders.give(name, approved);
    this.#options.bell.ring();
  }

  /** What was asked for since this was called last; to be told to `note` when it was handed out. */
  orders(): readonly TableEvent<'raw'>[] {
    return this.#orders.takeEvents();
  }

  /** See Source.copied. */
  async copied(): Promise<boolean> {
    await this.#begun.promise;
    const { isPending } = this.#due;
    while (this.#due.isPending) await this.#noted.promise;
    return isPending;
  }

  #wake(): void {
    this.#noted.resolve();
    this.#noted = Promise.withResolvers();
  }

  async #stopOrdered(signal: AbortSignal): Promise<void> {
    const streaming = this.#orders.takeNames().filter((name) => this.#due.stateOf(name).state === 'streaming');
    if (streaming.length === 0) return;
    // A copy that came to its end meanwhile took the order for done.
    for (const name of streaming) this.#orders.repeat(name);
    await this.#options.stop(streaming, (name, since) => stale(name, since, ASKED_FOR), signal);
  }

  async #stopBlocked(signal: AbortSignal): Promise<void> {
    const blocked = new Map(this.#blocked);
    this.#blocked.clear();
    if (blocked.size === 0) return;
    await this.#options.stop([...blocked.keys()], (name) => haltedBy(blocked.get(name)!), signal);
    for (const [name, error] of blocked) this.#due.refused(name, error);
  }

  /** Those that are to be copied now, by the line that is free for them. Says of the others why they cannot be. */
  async #choose(signal: AbortSignal): Promise<ReadonlyMap<Line, string[]>> {
    const chosen = new Map<Line, string[]>();
    for (const [name, line] of this.#queued) if (line.isFree) this.#queued.delete(name);
    const candidates = this.#due.candidates(performance.now()).filter((name) => !this.#queued.has(name));
    if (candidates.length === 0) return chosen;
    const { isPending } = this.#due;
    const tables = await this.#options.look(candidates);
    const sizes = await this.#options.measure([...tables.values()].flatMap(({ leaves }) => leaves));
    const stops: TableEvent<'raw'>[] = [];
    for (const [name, reading] of tables) {
      if (!this.#due.see(name, definitionOf(reading))) continue;
      const bytes = reading.leaves.reduce((sum, leaf) => sum + (sizes.get(leaf.oid) ?? leaf.bytes), 0);
      const verdict = judgeDue(name, reading, bytes, { ...this.#options, due: this.#due });
      const line = bytes < SMALL_BYTES ? this.#lines.small : this.#lines.large;
      if (verdict === 'copy') chosen.set(line, [...(chosen.get(line) ?? []), name]);
      else this.#refuse(name);
      if (typeof verdict === 'object') stops.push(verdict);
    }
    if (stops.length > 0) await this.#offers.hand({ ...NOTHING, events: stops }, signal);
    // What a copy came to nothing by before anybody had looked at its table is known now not to be tried again.
    if (isPending && !this.#due.isPending) this.#wake();
    return chosen;
  }

  #refuse(name: string): void {
    this.#due.refuse(name);
    this.#wake();
  }

  #begin(chosen: ReadonlyMap<Line, string[]>, signal: AbortSignal): void {
    for (const [line, names] of chosen) {
      if (!line.isFree) for (const name of names) this.#queued.set(name, line);
      else
        line.copy(names, signal).then(
          () => this.#wake(),
          (error) => this.#fail(error, signal),
        );
    }
  }

  #fail(error: unknown, signal: AbortSignal): void {
    if (signal.aborted) return;
    this.#failure ??= { error };
    this.#options.bell.ring();
  }

  /** One line a step: also why a copy came to nothing. */
  #tellDropped({ name, state }: Extract<TableEvent<'raw'>, { readonly type: 'stopped' }>): void {
    if (!this.#due.isCopying(name)) return;
    const generation = this.#due.generationOf(name);
    const why = this.#due.failureOf(name) ?? reasonOf(state);
    this.#options.observe({ type: 'copy step', table: name, generation, step: 'dropped', why });
  }
}
