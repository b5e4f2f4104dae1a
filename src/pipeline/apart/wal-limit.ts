import { setTimeout as sleep } from 'node:timers/promises';
import { PgveilError } from '../../core/errors.ts';
import type { Lsn } from '../../core/lsn.ts';
import type { Observe } from '../../core/observer.ts';
import type { KeptWal } from '../../core/slots.ts';
import type { Apart } from '../parts.ts';
import type { Absences } from './absence.ts';
import { type AbsentSink, detached } from './absent-sink.ts';
import type { Group } from './group.ts';

const EVERY_MS = 10_000;

export interface WalLimitOptions {
  readonly apart: Apart;
  readonly group: Group;
  readonly absences: Absences;
  readonly observe: Observe;
}

/**
 * Looks at the slots, and where one keeps more WAL than it may, lets go of the sinks that hold it back and may be let go of. Not before
 * the second look in a row: at the first those that gather are told to make durable what they have.
 */
export class WalLimit {
  readonly #options: WalLimitOptions;
  /** Names of slots that were beyond it at the last look. */
  readonly #beyond = new Set<string>();
  /** Of those, the ones where nobody could be let go of. */
  readonly #told = new Set<string>();

  constructor(options: WalLimitOptions) {
    this.#options = options;
  }

  /** Resolves when `signal` aborts. */
  async run(signal: AbortSignal): Promise<void> {
    try {
      for (;;) {
        await sleep(EVERY_MS, undefined, { signal });
        await this.#options.group.lease.held(signal);
        await this.#look().catch(unlessKnown); // whoever reads from the source meets it as well
      }
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }

  async #look(): Promise<void> {
    const { apart, absences } = this.#options;
    const letGo = (sink: AbsentSink) => {
      if (apart.mayDetach(sink.name)) sink.detach();
      return apart.mayDetach(sink.name);
    };
    const beyond = [
      await this.#judge(null, (kept) => this.#relieve(kept)),
      ...(await Promise.all(absences.all.map((sink) => this.#judge(sink.name, () => letGo(sink))))),
    ];
    // What is below it again, or not there any more.
    for (const slot of this.#beyond) if (!beyond.includes(slot)) this.#beyond.delete(slot);
    for (const slot of this.#told) if (!beyond.includes(slot)) this.#tell(slot, true);
  }

  /** The slot's name where it keeps too much. `relieve` lets go of somebody, or says that it cannot. */
  async #judge(sink: string | null, relieve: (kept: KeptWal) => boolean): Promise<string | null> {
    const kept = await this.#options.apart.slots.kept(sink);
    if (!kept || kept.excess <= 0) return null;
    const { name } = kept;
    if (!this.#beyond.has(name)) {
      this.#beyond.add(name);
      this.#options.group.running?.hurry();
    } else if (relieve(kept)) this.#beyond.delete(name);
    else this.#tell(name, false);
    return name;
  }

  /** The pipeline's slot: those that hold it back may be here, or away. */
  #relieve({ stands, excess }: KeptWal): boolean {
    const { group, absences, apart } = this.#options;
    const { running } = group;
    if (!running) return false;
    const sinks = whoHoldsBack(running.positions, stands, excess, (sink) => apart.mayDetach(sink));
    for (const name of sinks) {
      const absent = absences.get(name);
      if (absent) absent.detach();
      else if (!running.dismiss(name, detached(name))) return false;
    }
    return sinks.length > 0;
  }

  #tell(slot: string, isOver: boolean): void {
    if (this.#told.has(slot) !== isOver) return;
    if (isOver) this.#told.delete(slot);
    else this.#told.add(slot);
    const message = isOver
      ? `the slot ${slot} keeps no more WAL than it may`
      : `the slot ${slot} keeps more WAL than it may, and no sink could be let go of that would change it`;
    this.#options.observe({ type: 'wal alarm', slot, code: 'wal_limit', message, isOver });
  }
}

/**
 * The fewest sinks, the slowest first, without which the slot would keep `excess` bytes less: none, where one of them may not be let go of,
 * or all are as far. A sink without a position holds the slot where it `stands`.
 */
export function whoHoldsBack(
  positions: ReadonlyMap<string, Lsn | null>,
  stands: Lsn,
  excess: number,
  mayDetach: (sink: string) => boolean,
): readonly string[] {
  const sinks = [...positions].map(([name, pos]) => ({ name, pos: pos ?? stands }));
  sinks.sort((one, other) => (one.pos < other.pos ? -1 : one.pos > other.pos ? 1 : 0));
  const isEnough = sinks.findIndex(({ pos }) => Number(pos - sinks[0]!.pos) >= excess);
  const slowest = isEnough === -1 ? [] : sinks.slice(0, isEnough).map(({ name }) => name);
  return slowest.every(mayDetach) ? slowest : [];
}

function unlessKnown(error: unknown): void {
  if (!(error instanceof PgveilError)) throw error;
}
