import { setTimeout as sleep } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import type { RawBatch, TableEvent } from '../../src/core/batch.ts';
import type { Checkpoint } from '../../src/core/checkpoint.ts';
import { PgveilError } from '../../src/core/errors.ts';
import type { Observe } from '../../src/core/observer.ts';
import type { Rules } from '../../src/core/source.ts';
import { shapeOf, type Table } from '../../src/core/table.ts';
import { unlessAborted } from './abort.ts';
import type { Bell } from './bell.ts';
import { haltFor } from './definition.ts';
import { Due } from './due.ts';
import { ASKED_FOR } from './question.ts';
import type { Problem, Reading, TableReading } from './reading.ts';
import { stopTable } from './stop.ts';
import { emptyBatch } from './table-copy.ts';

export interface RecopiesOptions {
  readonly names: Iterable<string>;
  readonly entries: Checkpoint['tables'];
  readonly rules: Rules;
  readonly observe: Observe;
  /** Bytes from which on a table that changed waits for a person. */
  readonly autoBelow: number;
  /** Rung when there is something to take. */
  readonly bell: Bell;
  readonly look: (names: readonly string[]) => Promise<Reading>;
  /** One copy of these tables, in these generations, beside the stream: see `recopy`. Returns those that stream now. */
  readonly copy: Copy;
  /** Has the stream stop these tables between two transactions. */
  readonly stop: (names: readonly string[], signal: AbortSignal) => Promise<void>;
}

export type Copy = (
  names: readonly string[],
  generationOf: (name: string) => number,
  signal: AbortSignal,
) => AsyncGenerator<RawBatch, readonly string[]>;

/** How often a table is looked at that is not to be copied as it is. */
const LOOK_MS = 2000;

/** Copies tables anew while the others stream: whichever are due, one copy after another. */
export class Recopies {
  readonly #options: RecopiesOptions;
  readonly #due: Due;
  /** What is to be handed out next; whoever made it waits until it is taken. */
  #offer: { readonly batch: RawBatch; readonly taken: PromiseWithResolvers<void> } | null = null;
  #failure: { readonly error: unknown } | null = null;
  readonly #asked = new Set<string>();
  /** Something was found out. */
  #noted = Promise.withResolvers<void>();

  constructor(options: RecopiesOptions) {
    this.#options = options;
    this.#due = new Due(options.names, options.entries);
  }

  /** Works until `signal` aborts; a failure is thrown by `take`. */
  async run(signal: AbortSignal): Promise<void> {
    try {
      while (!signal.aborted) {
        await this.#stopAsked(signal);
        const names = await this.#choose(signal);
        if (names.length > 0) await this.#attempt(names, signal);
        else await Promise.race([this.#noted.promise, sleep(LOOK_MS, undefined, { signal, ref: false })]);
      }
    } catch (error) {
      if (signal.aborted) return;
      this.#failure = { error };
      this.#options.bell.ring();
    }
  }

  /** A batch, if there is one. */
  take(): RawBatch | null {
    if (this.#failure) throw this.#failure.error;
    const offer = this.#offer;
    if (!offer) return null;
    this.#offer = null;
    this.note(offer.batch.events);
    offer.taken.resolve();
    return offer.batch;
  }

  /** What is handed out otherwise, in the same order. */
  note(events: readonly TableEvent<'raw'>[]): void {
    if (events.length === 0) return;
    for (const event of events) this.#due.note(event);
    this.#wake();
  }

  #wake(): void {
    this.#noted.resolve();
    this.#noted = Promise.withResolvers();
  }

  /** Nobody will take the changes of this copy: the same definition is not copied again. */
  giveUp(name: string, generation: number): void {
    if (this.#due.isCopying(name) && this.#due.generationOf(name) === generation) this.#due.refuse(name);
  }

  /** See Source.recopy. */
  ask(name: string): void {
    this.#asked.add(name);
    this.#wake();
  }

  async #stopAsked(signal: AbortSignal): Promise<void> {
    const names = [...this.#asked];
    this.#asked.clear();
    if (names.length === 0) return;
    for (const name of names) this.#due.force(name);
    await this.#options.stop(names, signal);
    // A table that did not stream has nothing to stop; whatever halted it is for the person who asked.
    const halted = names.filter((name) => this.#due.needsPerson(name));
    const state = { state: 'stale', since: 0n, reason: ASKED_FOR } as const;
    const events = halted.map((name) => ({ type: 'stopped', name, oid: 0, state, definition: null }) as const);
    if (events.length > 0) await this.#hand({ ...NOTHING, events }, signal);
  }

  /** See Source.copied. */
  async copied(): Promise<boolean> {
    const { isPending } = this.#due;
    while (this.#due.isPending) await this.#noted.promise;
    return isPending;
  }

  /** Those that are to be copied now. Says of the others why they cannot be. */
  async #choose(signal: AbortSignal): Promise<string[]> {
    const candidates = this.#due.candidates(performance.now());
    if (candidates.length === 0) return [];
    const { tables } = await this.#options.look(candidates);
    const stops: TableEvent<'raw'>[] = [];
    const chosen = candidates.filter((name) => {
      const reading = tables.get(name)!;
      if (!this.#due.see(name, fingerprint(reading))) return false;
      const verdict = this.#judge(name, reading);
      if (verdict === 'copy') return true;
      this.#due.refuse(name);
      if (verdict !== 'wait') stops.push(verdict);
      return false;
    });
    if (stops.length > 0) await this.#hand({ ...NOTHING, events: stops }, signal);
    this.#wake();
    return chosen;
  }

  /** Whether a table can be copied as it is, or the event that says why not; `wait` where that was said already. */
  #judge(name: string, { table, problem, leaves }: TableReading): 'copy' | 'wait' | TableEvent<'raw'> {
    const state = this.#due.stateOf(name);
    if (problem) return this.#halt(name, problem);
    if (this.#due.needsPerson(name) && this.#isAsItWas(table)) return 'wait';
    if (!this.#options.rules.fits(table)) {
      return { type: 'stopped', name, oid: table.oid, state, definition: table };
    }
    // A copy for hours is for a person to begin, unless the table was never copied.
    const bytes = leaves.reduce((sum, leaf) => sum + leaf.bytes, 0);
    if (bytes < this.#options.autoBelow || state.state === 'absent' || this.#due.isAsked(name)) return 'copy';
    const why = state.state === 'stale' ? state.reason : 'what halted it is over';
    const message = `${name}: ${why}; its ${Math.ceil(bytes / 1024 ** 2)} MB are more than recopy.auto_below`;
    return this.#halt(name, { oid: table.oid, code: 'stale', message, fix: `pgveil recopy '${name}'` });
  }

  #halt(name: string, problem: Problem): 'wait' | TableEvent<'raw'> {
    const stop = haltFor(problem);
    const event = stopTable({ name, oid: problem.oid }, stop, this.#options.observe);
    return isDeepStrictEqual(this.#due.stateOf(name), stop.state) ? 'wait' : event;
  }

  /** Under the same definition and the same rules a copy would end as the one before. */
  #isAsItWas(table: Table<'raw'>): boolean {
    const { entries, rules } = this.#options;
    const entry = entries.get(table.name);
    const isSame = entry?.oid === table.oid && isDeepStrictEqual(entry.shape, shapeOf(table));
    return isSame && rules.isAsCopied(table);
  }

  async #attempt(names: readonly string[], signal: AbortSignal): Promise<void> {
    for (const name of names) this.#due.begin(name, performance.now());
    const streaming = await this.#copy(names, signal);
    const left = names.filter((name) => !streaming.includes(name) && this.#due.isCopying(name));
    const events = left.map((name) => {
      return { type: 'stopped', name, oid: 0, state: this.#due.stateOf(name), definition: null } as const;
    });
    if (events.length > 0) await this.#hand({ ...NOTHING, events }, signal);
  }

  /** Returns those that stream now. Whatever is in the way of a copy is in the way of the next one as well, or passes until then. */
  async #copy(names: readonly string[], signal: AbortSignal): Promise<readonly string[]> {
    const copy = this.#options.copy(names, (name) => this.#due.generationOf(name), signal);
    try {
      for (;;) {
        const { done, value } = await copy.next();
        if (done) return value;
        await this.#hand(value, signal);
      }
    } catch (error) {
      if (signal.aborted || !(error instanceof PgveilError)) throw error;
      const { code, message, fix } = error;
      for (const table of names) this.#options.observe({ type: 'warning', table, code, message, fix });
      return [];
    } finally {
      await copy.return([]);
    }
  }

  /** Resolves when the batch is taken. */
  async #hand(batch: RawBatch, signal: AbortSignal): Promise<void> {
    const taken = Promise.withResolvers<void>();
    this.#offer = { batch, taken };
    this.#options.bell.ring();
    await unlessAborted(taken.promise, signal);
  }
}

const NOTHING = emptyBatch({ clsn: 0n, xid: null, commitTime: 0n });

/** Equal ones say the same. */
function fingerprint({ table, problem }: TableReading): string {
  return JSON.stringify(problem ? problem.code : [table.oid, shapeOf(table)]);
}
