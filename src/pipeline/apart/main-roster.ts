import { type Checkpoint, isBound } from '../../core/checkpoint.ts';
import type { PgveilError } from '../../core/errors.ts';
import { reach } from '../../core/fault.ts';
import type { Lsn } from '../../core/lsn.ts';
import { type Names, NO_OTHER_NAMES } from '../../core/redactor.ts';
import type { Sink } from '../../core/sink.ts';
import { mergeCheckpoints } from '../checkpoints.ts';
import type { Apart, Parts } from '../parts.ts';
import { isOfOneSink } from '../passing.ts';
import type { Gathered, Leaving, Roster, Running } from '../roster.ts';
import { allToward } from './alike.ts';
import type { Group } from './group.ts';
import { type OpenedSinks, openAll, reasonOf } from './open-all.ts';
import { notTogether } from './who-reads.ts';

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

  get holds(): Map<string, Lsn | null> {
    return this.#group.holds;
  }

  async gather(signal: AbortSignal): Promise<Gathered> {
    this.#group.lease.begin();
    const asking = this.#apart.slots.stands();
    asking.catch(() => {}); // heard below, when no sink is being opened any more
    const expected = this.#expected;
    try {
      const opening = await openAll(expected, this.#hasRun, signal);
      for (const [name, checkpoint] of opening.opened) this.#group.read(name, checkpoint);
      assertSomeBound(opening);
      const leaving = await this.#leaving(opening, await asking);
      this.#setApart(leaving);
      const here = new Map([...opening.opened].filter(([name]) => !leaving.has(name)));
      if (here.size === 0) throw reasonOf(opening.away); // there is nobody to read for
      const names = this.#group.bindings;
      const { checkpoints, told } = allToward(here, names.durable);
      this.#meet(checkpoints, opening.away);
      return { checkpoints, told, names };
    } catch (error) {
      const left = [...expected].filter(([name]) => !this.#group.absent.has(name));
      await Promise.allSettled(left.map(([, sink]) => sink.close()));
      throw error;
    }
  }

  begin(running: Running): void {
    this.#hasRun = true;
    this.#group.begin(running);
  }

  bound(entries: Checkpoint['tables']): void {
    this.#group.bindings.bound(entries);
  }

  /** Those that read by themselves hold what is bound here. */
  namesIn(): Names {
    return NO_OTHER_NAMES;
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
   * no slot is free stays, and the others copy with it.
   */
  async #leaving(opening: OpenedSinks, stands: Lsn | null): Promise<ReadonlySet<string>> {
    const leaving = new Set<string>();
    for (const [name, isCovered] of notTogether(opening, stands)) {
      if (!isCovered || (await this.#group.slots.hasKept(name))) leaving.add(name);
    }
    return leaving;
  }

  /** These read together from here on, and miss the others. */
  #meet(checkpoints: Gathered['checkpoints'], away: OpenedSinks['away']): void {
    this.#group.gathered(mergeCheckpoints([...checkpoints.values()]).tables);
    this.#miss(away);
    for (const name of checkpoints.keys()) this.#welcome(name);
    this.#group.slots.tidy([...checkpoints.keys()]);
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

  #welcome(name: string): void {
    this.#group.holds.delete(name);
    const wasAway = this.#group.back.delete(name);
    reach('rejoined');
    this.#observe({ type: 'sink', sink: name, state: 'live', slot: null });
    if (wasAway) this.#observe({ type: 'step', message: `sink ${name}: together again` });
  }

  #setOut(name: string, leaving: Leaving): void {
    this.#group.absent.add(name);
    this.#group.back.delete(name);
    // What it wrote and did not flush is void, and whoever reads for it next opens it. Where it cannot even be closed it is away, too.
    const closed = this.#sinks.get(name)!.close();
    void closed.catch(() => {}).then(() => this.#left(name, leaving));
  }
}

/** Whoever is away may know what names were bound to: by name alone what took a name since would leave raw. */
function assertSomeBound({ opened, away }: OpenedSinks): void {
  if (away.size > 0 && ![...opened.values()].some(boundAnything)) throw reasonOf(away);
}

function boundAnything({ position, tables }: Checkpoint): boolean {
  return position !== null || [...tables.values()].some(isBound);
}
