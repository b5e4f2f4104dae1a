import { once } from 'node:events';
import type { Checkpoint } from '../core/checkpoint.ts';
import { PgveilError } from '../core/errors.ts';
import { reach } from '../core/fault.ts';
import type { Lsn } from '../core/lsn.ts';
import type { Sink } from '../core/sink.ts';
import { together } from './alike.ts';
import { mergeCheckpoints } from './checkpoints.ts';
import { naming } from './naming.ts';
import type { Apart, Parts } from './parts.ts';
import { isPassing } from './recovery.ts';
import type { Gathered, Roster, Running } from './roster.ts';

/** Why a sink is not with the others. */
export type Leaving =
  /** It fails; the slot waits for it. */
  | { readonly state: 'away'; readonly error: PgveilError }
  /** It lacks what the slot has let go of, or holds other copies than the others. */
  | { readonly state: 'apart' };

/**
 * The sinks that read together from the pipeline's slot. One that cannot, or must not, is on its own from then on (see Absence), until it
 * says that it is back: then the session ends and the next one begins with it.
 */
export class MainRoster implements Roster {
  readonly holds = new Map<string, Lsn | null>();
  readonly mayEnd: (() => boolean) | null;
  readonly #sinks: ReadonlyMap<string, Sink>;
  readonly #apart: Apart;
  readonly #observe: Parts['observe'];
  readonly #onLeave: (sink: string, leaving: Leaving) => void;
  readonly #absent = new Set<string>();
  /** Those that are back and wait for the next session. */
  readonly #back = new Set<string>();
  #running: Running | null = null;
  /** Resolves when the source is this instance's. */
  #opened = Promise.withResolvers<void>();
  #isOpen = false;
  #tidied: Promise<void> = Promise.resolve();
  #entries: Checkpoint['tables'] = new Map();
  #hasRun = false;

  /** `onLeave` is told of each sink that is on its own from now on, and closed. */
  constructor(
    { sinks, observe }: Pick<Parts, 'sinks' | 'observe'>,
    apart: Apart,
    endsCaughtUp: boolean,
    onLeave: (sink: string, leaving: Leaving) => void,
  ) {
    this.#sinks = sinks;
    this.#observe = observe;
    this.#apart = apart;
    this.#onLeave = onLeave;
    this.mayEnd = endsCaughtUp ? () => this.#absent.size === 0 : null;
  }

  /** What those that read together hold. */
  get entries(): Checkpoint['tables'] {
    return this.#running?.entries ?? this.#entries;
  }

  /**
   * Resolves while the source is this instance's. Whoever opens a sink beside the session waits for it: an instance that was overtaken
   * must not take a sink back.
   */
  async opened(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    await Promise.race([this.#opened.promise, once(signal, 'abort')]);
    signal.throwIfAborted();
  }

  /** Makes the sink a slot of its own: see Slots. */
  async keep(sink: string): Promise<void> {
    await this.#tidied; // or what is made were dropped
    await this.#apart.slots.copy(sink);
  }

  /** Whether they are at a copy, which another session would begin again. */
  get isCopying(): boolean {
    const isStale = [...this.entries.values()].some(({ state }) => state.state === 'stale');
    return isStale || this.#running?.isCopying !== false;
  }

  /** Whether the session that ended is to be followed by another one at once. */
  get hasMore(): boolean {
    return this.#back.size > 0;
  }

  /** See Running; it holds for the sessions to come as well. */
  hold(sink: string, pos: Lsn | null): void {
    this.holds.set(sink, pos);
    this.#running?.hold(sink, pos);
  }

  release(sink: string): void {
    this.holds.delete(sink);
    this.#running?.release(sink);
  }

  /** The sink is to read with the others again. */
  rejoin(sink: string): void {
    this.#absent.delete(sink);
    this.#back.add(sink);
    this.#running?.end();
  }

  ended(): void {
    this.#entries = this.entries;
    this.#running = null;
    if (this.#isOpen) this.#opened = Promise.withResolvers();
    this.#isOpen = false;
  }

  begin(running: Running): void {
    this.#running = running;
    this.#hasRun = true;
    if (this.hasMore) running.end();
  }

  leave(sink: string, pos: Lsn | null, error: unknown): boolean {
    if (!isPassing(error, this.#hasRun) || error.sink === null) return false;
    this.hold(sink, pos);
    this.#setOut(sink, { state: 'away', error });
    return true;
  }

  async gather(signal: AbortSignal): Promise<Gathered> {
    this.#isOpen = true;
    this.#opened.resolve();
    const back = new Set(this.#back);
    this.#back.clear();
    const opened = new Map<string, Checkpoint>();
    try {
      const asking = this.#apart.slots.stands();
      asking.catch(() => {}); // heard below, when no sink is being opened any more
      const away = await this.#open(opened, signal);
      const stands = await asking;
      const here = together(opened, stands);
      const leaving = await this.#part(opened, here, stands);
      const checkpoints = new Map([...opened].filter(([name]) => !leaving.includes(name)));
      this.#entries = mergeCheckpoints([...checkpoints.values()]).tables;
      for (const [name, error] of away) {
        if (!this.holds.has(name)) this.holds.set(name, null);
        this.#setOut(name, { state: 'away', error });
      }
      for (const name of leaving) {
        this.holds.delete(name); // what it needs is in a slot of its own, or nowhere
        this.#setOut(name, { state: 'apart' });
      }
      for (const name of checkpoints.keys()) this.#welcome(name, back.has(name));
      this.#tidied = this.#tidied.then(() => this.#dropSlots([...checkpoints.keys()]));
      return { checkpoints, told: new Set() };
    } catch (error) {
      for (const name of back) this.#back.add(name);
      for (const name of opened.keys()) await this.#sinks.get(name)!.close();
      throw error;
    }
  }

  /** Opens all that are not on their own. Returns those that do not answer; rejects where none does. */
  async #open(opened: Map<string, Checkpoint>, signal: AbortSignal): Promise<Map<string, PgveilError>> {
    const expected = [...this.#sinks].filter(([name]) => !this.#absent.has(name));
    // All at once: those that were together before wait for it.
    const answers = await Promise.allSettled(expected.map(([name, sink]) => naming(name, sink.open(signal))));
    const away = new Map<string, PgveilError>();
    for (const [at, answer] of answers.entries()) {
      if (answer.status === 'fulfilled') opened.set(expected[at]![0], answer.value);
    }
    for (const [at, answer] of answers.entries()) {
      if (answer.status === 'fulfilled') continue;
      const error: unknown = answer.reason;
      if (!isPassing(error, this.#hasRun) || error.sink === null) throw error;
      away.set(expected[at]![0], error);
    }
    if (opened.size === 0) throw [...away.values()][0]!;
    return away;
  }

  /** Those that have to read by themselves. What the slot still has of theirs is kept for them before anything is acknowledged. */
  async #part(
    opened: ReadonlyMap<string, Checkpoint>,
    here: ReadonlySet<string>,
    stands: Lsn | null,
  ): Promise<readonly string[]> {
    const leaving: string[] = [];
    for (const [name, { position }] of opened) {
      if (here.has(name)) continue;
      const isCovered = position !== null && stands !== null && position.pos >= stands;
      if (!isCovered || (await this.#hasSlot(name))) leaving.push(name);
    }
    return leaving;
  }

  /** False where no slot is free: then the others wait for it, and copy with it. */
  async #hasSlot(name: string): Promise<boolean> {
    try {
      await this.keep(name);
      return true;
    } catch (error) {
      if (!(error instanceof PgveilError) || error.code !== 'no_free_slot') throw error;
      const { code, message } = error;
      this.#observe({ type: 'trouble', part: name, code, message, retryInMs: null });
      return false;
    }
  }

  #welcome(name: string, wasAway: boolean): void {
    this.holds.delete(name);
    reach('rejoined');
    this.#observe({ type: 'sink', sink: name, state: 'live', slot: null });
    if (wasAway) this.#observe({ type: 'step', message: `sink ${name}: together again` });
  }

  /** What was kept for a sink that is with the others is in the pipeline's slot, or durable. Nobody waits for this. */
  async #dropSlots(names: readonly string[]): Promise<void> {
    for (const part of names) {
      try {
        await this.#apart.slots.drop(part);
        reach('own slot dropped');
      } catch (error) {
        if (!(error instanceof PgveilError)) throw error;
        // The next session tries again.
        this.#observe({ type: 'step', message: `sink ${part}: its own slot is still there: ${error.message}` });
      }
    }
  }

  #setOut(name: string, leaving: Leaving): void {
    this.#absent.add(name);
    // What it wrote and did not flush is void, and whoever reads for it next opens it.
    void this.#sinks
      .get(name)!
      .close()
      .then(() => this.#onLeave(name, leaving));
  }
}
