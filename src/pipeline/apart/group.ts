import { type Checkpoint, type History, isSameDatabase, type TableEntry } from '../../core/checkpoint.ts';
import type { ErrorCode } from '../../core/errors.ts';
import type { Lsn } from '../../core/lsn.ts';
import type { Running } from '../roster.ts';
import { Bindings } from './bindings.ts';
import type { Others } from './others.ts';
import type { SlotKeeper } from './slot-keeper.ts';
import { SourceLease } from './source-lease.ts';

/** The sinks that read together: who of them is missing or waits to be let in, and what their slot waits for, over their sessions. */
export class Group implements Others {
  readonly slots: SlotKeeper;
  readonly bindings: Bindings;
  readonly lease = new SourceLease();
  readonly holds = new Map<string, Lsn | null>();
  readonly absent = new Set<string>();
  /** Those that are back and wait for the next session. */
  readonly back = new Set<string>();
  #running: Running | null = null;
  #history: History | null = null;
  /** When the present session was gathered: otherwise tables may have halted that wait for that. */
  #wereNamesKnown = false;
  #isOutdated = false;
  #entries: Checkpoint['tables'] = new Map();

  /** `sinks`: the names of all, also of those that never come. */
  constructor(slots: SlotKeeper, sinks: Iterable<string>) {
    this.slots = slots;
    this.bindings = new Bindings(sinks);
  }

  /** The session that runs; null between two of them. */
  get running(): Running | null {
    return this.#running;
  }

  get entries(): Checkpoint['tables'] {
    return this.#running?.entries ?? this.#entries;
  }

  get isCopying(): boolean {
    const isStale = [...this.entries.values()].some(({ state }) => state.state === 'stale');
    return isStale || this.#running?.isCopying !== false;
  }

  /** Whether a session that came to its end made way for the next one. */
  get isToGoOn(): boolean {
    return this.back.size > 0 || this.#isOutdated;
  }

  get history(): History | null {
    return this.#running?.history ?? this.#history;
  }

  /**
   * Names are known when each sink was read. Where a table waits for that, a session that began before makes way for one that takes it in,
   * unless a copy would have to begin again.
   */
  read(sink: string, { position, tables }: Checkpoint): void {
    const isOfOther = position && this.history && !isSameDatabase(position.history, this.history);
    this.bindings.read(sink, isOfOther ? new Map() : tables);
    const isAmiss = this.bindings.areKnown && !this.#wereNamesKnown && [...this.entries.values()].some(waitsForNames);
    if (!isAmiss || this.isCopying) return;
    this.#isOutdated = true;
    this.#running?.end();
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
    this.absent.delete(sink);
    this.back.add(sink);
    this.#running?.end();
  }

  /** They hold this, and a session begins with it. */
  gathered(entries: Checkpoint['tables']): void {
    this.#entries = entries;
    this.#isOutdated = false;
    this.#wereNamesKnown = this.bindings.areKnown;
  }

  begin(running: Running): void {
    this.#running = running;
    if (this.back.size > 0) running.end();
  }

  ended(): void {
    [this.#entries, this.#history] = [this.entries, this.history];
    this.#running = null;
    this.lease.end();
  }
}

function waitsForNames({ state }: TableEntry): boolean {
  return state.state === 'halted' && state.code === ('names_unknown' satisfies ErrorCode);
}
