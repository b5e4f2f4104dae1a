import { type Checkpoint, isBound } from '../../core/checkpoint.ts';
import { needsPerson } from '../../core/error-kind.ts';
import type { PgveilError } from '../../core/errors.ts';
import { reach } from '../../core/fault.ts';
import type { Lsn } from '../../core/lsn.ts';
import type { Sink } from '../../core/sink.ts';
import { mergeCheckpoints } from '../checkpoints.ts';
import type { Apart, Parts } from '../parts.ts';
import { isOfOneSink } from '../passing.ts';
import type { Gathered, Leaving, Roster, Running } from '../roster.ts';
import { together } from './alike.ts';
import type { Group } from './group.ts';
import { type OpenedSinks, openAll } from './open-all.ts';

export interface MainRosterOptions {
  readonly group: Group;
  /** Whether a session may end that has caught up; null where it never does. */
  readonly mayEnd: (() => boolean) | null;
  /** Told of each sink that is on its own from now on, and closed. */
  readonly left: (sink: string, leaving: Leaving) => void;
}

/**
 * Who is in the sessions of the pipeline's slot: each sink that can, and holds what the others do. One that cannot, or must not, is on its own from
 * then on (see Absences), until it says that it is back: then the session ends and the next one begins with it.
 */
export class MainRoster implements Roster {
  readonly mayEnd: (() => boolean) | null;
  readonly #sinks: ReadonlyMap<string, Sink>;
  readonly #apart: Apart;
  readonly #observe: Parts['observe'];
  readonly #group: Group;
  readonly #left: MainRosterOptions['left'];
  #hasRun = false;

  constructor({ sinks, observe }: Pick<Parts, 'sinks' | 'observe'>, apart: Apart, options: MainRosterOptions) {
    this.#sinks = sinks;
    this.#observe = observe;
    this.#apart = apart;
    this.#group = options.group;
    this.#left = options.left;
    this.mayEnd = options.mayEnd;
  }

  get holds(): ReadonlyMap<string, Lsn | null> {
    return this.#group.holds;
  }

  async gather(signal: AbortSignal): Promise<Gathered> {
    const { lease, slots, back: waiting } = this.#group;
    lease.begin();
    const back = new Set(waiting);
    waiting.clear();
    const asking = this.#apart.slots.stands();
    asking.catch(() => {}); // heard below, when no sink is being opened any more
    let opened: OpenedSinks['opened'] = new Map();
    try {
      const opening = await openAll(this.#expected, this.#hasRun, signal);
      opened = opening.opened;
      // Whoever is away may know what names were bound to: by name alone what took a name since would leave raw.
      if (opening.away.size > 0 && ![...opened.values()].some(boundAnything)) throw [...opening.away.values()][0]!;
      const leaving = await this.#leaving(opening, await asking);
      const checkpoints = new Map([...opened].filter(([name]) => !leaving.has(name)));
      this.#setApart(leaving);
      if (checkpoints.size === 0) throw [...opening.away.values()][0]!; // without them there is nobody to read for
      this.#group.gathered(mergeCheckpoints([...checkpoints.values()]).tables);
      this.#miss(opening.away);
      for (const name of checkpoints.keys()) this.#welcome(name, back.has(name));
      slots.tidy([...checkpoints.keys()]);
      return { checkpoints, told: new Set() };
    } catch (error) {
      const { absent } = this.#group;
      for (const name of back) if (!absent.has(name)) waiting.add(name);
      const open = [...opened.keys()].filter((name) => !absent.has(name));
      await Promise.allSettled(open.map((name) => this.#sinks.get(name)!.close()));
      throw error;
    }
  }

  begin(running: Running): void {
    this.#hasRun = true;
    this.#group.begin(running);
  }

  leave(sink: string, pos: Lsn | null, error: unknown): boolean {
    if (!isOfOneSink(error, this.#hasRun)) return false;
    if (error.code === 'sink_detached') this.#setOut(sink, { state: 'detached' });
    else {
      this.#group.hold(sink, pos);
      this.#setOut(sink, { state: 'away', error });
    }
    return true;
  }

  ended(): void {
    this.#group.ended();
  }

  /** At a start others may read by themselves already, whom the trouble of a sink that is to read here must not end. */
  endsAll(error: PgveilError): boolean {
    const haveOthersBegun = !this.#hasRun && this.#group.absent.size > 0;
    return !haveOthersBegun || !isOfOneSink(error, true);
  }

  get #expected(): ReadonlyMap<string, Sink> {
    return new Map([...this.#sinks].filter(([name]) => !this.#group.absent.has(name)));
  }

  /**
   * Those that have to read by themselves. What the slot still has of theirs is kept for them before anything is acknowledged; one for which
   * no slot is free stays, and the others copy with it. Where the slot has what nobody needs who is here, and some are away that will be
   * back by themselves, it is theirs: all leave, since to read with it they had to make it anew.
   */
  async #leaving({ opened, away }: OpenedSinks, stands: Lsn | null): Promise<ReadonlySet<string>> {
    const isCovered = (name: string) => stands !== null && (opened.get(name)!.position?.pos ?? -1n) >= stands;
    const here = together(opened, stands);
    const comeBack = away.size > 0 && ![...away.values()].some(({ kind }) => needsPerson(kind));
    const isTheirs = comeBack && stands !== null && ![...here].some(isCovered);
    const leaving = new Set<string>();
    for (const name of opened.keys()) {
      if (here.has(name) && !isTheirs) continue;
      if (!isCovered(name) || (await this.#group.slots.hasKept(name))) leaving.add(name);
    }
    return leaving;
  }

  #miss(away: OpenedSinks['away']): void {
    const { holds } = this.#group;
    for (const [name, error] of away) {
      if (!holds.has(name)) holds.set(name, null);
      this.#setOut(name, { state: 'away', error });
    }
  }

  #setApart(leaving: ReadonlySet<string>): void {
    for (const name of leaving) {
      this.#group.holds.delete(name); // what it needs is in a slot of its own, or nowhere
      this.#setOut(name, { state: 'apart' });
    }
  }

  #welcome(name: string, wasAway: boolean): void {
    this.#group.holds.delete(name);
    reach('rejoined');
    this.#observe({ type: 'sink', sink: name, state: 'live', slot: null });
    if (wasAway) this.#observe({ type: 'step', message: `sink ${name}: together again` });
  }

  #setOut(name: string, leaving: Leaving): void {
    this.#group.absent.add(name);
    // What it wrote and did not flush is void, and whoever reads for it next opens it. Where it cannot even be closed it is away, too.
    const closed = this.#sinks.get(name)!.close();
    void closed.catch(() => {}).then(() => this.#left(name, leaving));
  }
}

function boundAnything({ position, tables }: Checkpoint): boolean {
  return position !== null || [...tables.values()].some(isBound);
}
