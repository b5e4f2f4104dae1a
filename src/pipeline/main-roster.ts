import type { Checkpoint } from '../core/checkpoint.ts';
import { reach } from '../core/fault.ts';
import type { Lsn } from '../core/lsn.ts';
import type { Sink } from '../core/sink.ts';
import { together } from './alike.ts';
import { mergeCheckpoints } from './checkpoints.ts';
import type { Others } from './others.ts';
import type { Apart, Parts } from './parts.ts';
import { isOfOneSink } from './passing.ts';
import { callRoll, type RollCall } from './roll-call.ts';
import type { Gathered, Leaving, Roster, Running } from './roster.ts';
import { SlotKeeper } from './slot-keeper.ts';
import { Tenure } from './tenure.ts';

export interface MainRosterOptions {
  /** Whether a session may end that has caught up, with these sinks being absent; null where it never does. */
  readonly mayEnd: ((absent: ReadonlySet<string>) => boolean) | null;
  /** Told of each sink that is on its own from now on, and closed. */
  readonly left: (sink: string, leaving: Leaving) => void;
}

/**
 * The sinks that read together from the pipeline's slot. One that cannot, or must not, is on its own from then on (see Absence), until it
 * says that it is back: then the session ends and the next one begins with it.
 */
export class MainRoster implements Roster, Others {
  readonly holds = new Map<string, Lsn | null>();
  readonly tenure = new Tenure();
  readonly slots: SlotKeeper;
  readonly mayEnd: (() => boolean) | null;
  readonly #sinks: ReadonlyMap<string, Sink>;
  readonly #apart: Apart;
  readonly #observe: Parts['observe'];
  readonly #left: MainRosterOptions['left'];
  readonly #absent = new Set<string>();
  /** Those that are back and wait for the next session. */
  readonly #back = new Set<string>();
  #running: Running | null = null;
  #entries: Checkpoint['tables'] = new Map();
  #hasRun = false;

  constructor({ sinks, observe }: Pick<Parts, 'sinks' | 'observe'>, apart: Apart, { mayEnd, left }: MainRosterOptions) {
    this.#sinks = sinks;
    this.#observe = observe;
    this.#apart = apart;
    this.#left = left;
    this.slots = new SlotKeeper(apart.slots, observe);
    this.mayEnd = mayEnd && (() => mayEnd(this.#absent));
  }

  /** The session that runs; null between two of them. */
  get running(): Running | null {
    return this.#running;
  }

  /** Whether the session that ended is to be followed by another one at once. */
  get hasMore(): boolean {
    return this.#back.size > 0;
  }

  // For those that are absent

  get entries(): Checkpoint['tables'] {
    return this.#running?.entries ?? this.#entries;
  }

  get isCopying(): boolean {
    const isStale = [...this.entries.values()].some(({ state }) => state.state === 'stale');
    return isStale || this.#running?.isCopying !== false;
  }

  hold(sink: string, pos: Lsn | null): void {
    this.holds.set(sink, pos);
    this.#running?.hold(sink, pos);
  }

  release(sink: string): void {
    this.holds.delete(sink);
    this.#running?.release(sink);
  }

  rejoin(sink: string): void {
    this.#absent.delete(sink);
    this.#back.add(sink);
    this.#running?.end();
  }

  // For the sessions

  async gather(signal: AbortSignal): Promise<Gathered> {
    this.tenure.begin();
    const back = new Set(this.#back);
    this.#back.clear();
    const asking = this.#apart.slots.stands();
    asking.catch(() => {}); // heard below, when no sink is being opened any more
    let opened: RollCall['opened'] = new Map();
    try {
      const roll = await callRoll(this.#expected, this.#hasRun, signal);
      opened = roll.opened;
      const leaving = await this.#leaving(opened, await asking);
      const checkpoints = new Map([...opened].filter(([name]) => !leaving.has(name)));
      this.#entries = mergeCheckpoints([...checkpoints.values()]).tables;
      this.#seeOff(roll, leaving);
      for (const name of checkpoints.keys()) this.#welcome(name, back.has(name));
      this.slots.tidy([...checkpoints.keys()]);
      return { checkpoints, told: new Set() };
    } catch (error) {
      for (const name of back) this.#back.add(name);
      for (const name of opened.keys()) await this.#sinks.get(name)!.close();
      throw error;
    }
  }

  begin(running: Running): void {
    this.#running = running;
    this.#hasRun = true;
    if (this.hasMore) running.end();
  }

  leave(sink: string, pos: Lsn | null, error: unknown): boolean {
    if (!isOfOneSink(error, this.#hasRun)) return false;
    if (error.code === 'sink_detached') this.#setOut(sink, { state: 'detached' });
    else {
      this.hold(sink, pos);
      this.#setOut(sink, { state: 'away', error });
    }
    return true;
  }

  ended(): void {
    this.#entries = this.entries;
    this.#running = null;
    this.tenure.end();
  }

  get #expected(): ReadonlyMap<string, Sink> {
    return new Map([...this.#sinks].filter(([name]) => !this.#absent.has(name)));
  }

  /**
   * Those that have to read by themselves. What the slot still has of theirs is kept for them before anything is acknowledged; one for which
   * no slot is free stays, and the others copy with it.
   */
  async #leaving(opened: RollCall['opened'], stands: Lsn | null): Promise<ReadonlySet<string>> {
    const here = together(opened, stands);
    const leaving = new Set<string>();
    for (const [name, { position }] of opened) {
      if (here.has(name)) continue;
      const isCovered = position !== null && stands !== null && position.pos >= stands;
      if (!isCovered || (await this.slots.hasKept(name))) leaving.add(name);
    }
    return leaving;
  }

  #seeOff({ away }: RollCall, leaving: ReadonlySet<string>): void {
    for (const [name, error] of away) {
      if (!this.holds.has(name)) this.holds.set(name, null);
      this.#setOut(name, { state: 'away', error });
    }
    for (const name of leaving) {
      this.holds.delete(name); // what it needs is in a slot of its own, or nowhere
      this.#setOut(name, { state: 'apart' });
    }
  }

  #welcome(name: string, wasAway: boolean): void {
    this.holds.delete(name);
    reach('rejoined');
    this.#observe({ type: 'sink', sink: name, state: 'live', slot: null });
    if (wasAway) this.#observe({ type: 'step', message: `sink ${name}: together again` });
  }

  #setOut(name: string, leaving: Leaving): void {
    this.#absent.add(name);
    // What it wrote and did not flush is void, and whoever reads for it next opens it.
    void this.#sinks
      .get(name)!
      .close()
      .then(() => this.#left(name, leaving));
  }
}
