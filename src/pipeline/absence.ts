import { setTimeout as sleep } from 'node:timers/promises';
import { PgveilError } from '../core/errors.ts';
import { reach } from '../core/fault.ts';
import type { Lsn } from '../core/lsn.ts';
import type { Observation } from '../core/observer.ts';
import { Backoff } from './backoff.ts';
import type { Desk } from './desk.ts';
import type { Leaving, MainRoster } from './main-roster.ts';
import { naming } from './naming.ts';
import { OwnRoster } from './own-roster.ts';
import type { Apart, Parts } from './parts.ts';
import type { Patience } from './patience.ts';
import { isPassing, Lessons, recover } from './recovery.ts';

export interface AbsenceOptions {
  readonly parts: Parts;
  readonly apart: Apart;
  readonly main: MainRoster;
  readonly patience: Patience;
  /** Where people ask the others. */
  readonly desk: Desk;
}

/** One sink from the moment that it left the others until it reads with them again. */
export class Absence {
  readonly #name: string;
  readonly #options: AbsenceOptions;
  readonly #backoff = new Backoff();
  readonly #desk: Desk;
  #durable: Lsn | null = null;
  #told: string | null = null;

  constructor(name: string, options: AbsenceOptions) {
    this.#name = name;
    this.#options = options;
    this.#desk = options.desk.beside();
  }

  /** Resolves when it is back, or when `signal` aborts. Rejects with what only a person can mend. */
  async run(leaving: Leaving, signal: AbortSignal): Promise<void> {
    try {
      if (leaving.state === 'apart' || !(await this.#returnsSoon(leaving.error, signal))) await this.#readAlone(signal);
      if (!signal.aborted) this.#options.main.rejoin(this.#name);
      this.#options.patience.calm(this.#name);
    } catch (error) {
      if (!signal.aborted) throw error;
    } finally {
      this.#options.desk.forget(this.#desk);
    }
  }

  /** True where it is back while the slot still waits for it; false once a slot of its own does. */
  async #returnsSoon(error: PgveilError, signal: AbortSignal): Promise<boolean> {
    const { apart, patience } = this.#options;
    const deadline = performance.now() + apart.patience(this.#name);
    this.#observe({ type: 'sink', sink: this.#name, state: 'away', slot: null });
    patience.worry(this.#name);
    for (let failure: PgveilError | null = error; ; ) {
      const retryInMs = Math.min(this.#backoff.next(), Math.max(0, deadline - performance.now()) + FIRST_LOOK_MS);
      if (failure) this.#tell(failure, retryInMs);
      await sleep(retryInMs, undefined, { signal });
      failure = await this.#failure(signal);
      if (!failure && !this.#options.main.isCopying) return true;
      if (performance.now() >= deadline && (await this.#isParked(signal))) return false;
    }
  }

  /** What it fails with still; null where it answers. */
  async #failure(signal: AbortSignal): Promise<PgveilError | null> {
    const sink = this.#options.parts.sinks.get(this.#name)!;
    try {
      await this.#options.main.opened(signal);
      await naming(this.#name, sink.open(signal));
      return null;
    } catch (error) {
      if (signal.aborted || !isPassing(error, true)) throw error;
      return error;
    } finally {
      await sink.close();
    }
  }

  /** Has its WAL kept in a slot of its own, so that the pipeline's need not wait. False where that cannot be at the moment. */
  async #isParked(signal: AbortSignal): Promise<boolean> {
    const { main } = this.#options;
    await main.opened(signal);
    try {
      await main.keep(this.#name);
    } catch (error) {
      if (!(error instanceof PgveilError)) throw error;
      this.#tell(error, 0);
      return false;
    }
    main.release(this.#name);
    return true;
  }

  /** Reads from its own slot until it holds what the others hold, and stands where they do. */
  async #readAlone(signal: AbortSignal): Promise<void> {
    const { main, apart, desk } = this.#options;
    const slot = apart.slots.nameOf(this.#name);
    this.#observe({ type: 'sink', sink: this.#name, state: 'parked', slot });
    this.#observe({ type: 'step', message: `sink ${this.#name}: parked, it reads by itself from the slot ${slot}` });
    reach('parked');
    const lessons = new Lessons(desk.orders.acceptSource, true);
    for (;;) {
      await this.#catchUp(lessons, signal);
      if (signal.aborted) return;
      // From here on the pipeline's slot moves no further than this sink: once it has come so far it needs no other.
      main.hold(this.#name, this.#durable);
      reach('caught up by itself');
      const next = await this.#catchUp(lessons, signal);
      if (signal.aborted) return;
      main.hold(this.#name, this.#durable);
      if (next === 'join') break;
      main.release(this.#name);
    }
    this.#observe({ type: 'step', message: `sink ${this.#name}: rejoins the others` });
  }

  /** Resolves when there is nothing left to copy, and all that was committed when it began is durable. */
  async #catchUp(lessons: Lessons, signal: AbortSignal): Promise<'join' | 'copy' | 'wait'> {
    const { parts, apart, main, patience } = this.#options;
    const sink = parts.sinks.get(this.#name)!;
    const roster = new OwnRoster(this.#name, sink, main);
    const observe = (seen: Observation) => this.#observe(seen);
    const own = { ...apart.parts(this.#name, observe), sinks: new Map([[this.#name, sink]]), observe };
    await recover({ parts: own, roster, desk: this.#desk, patience, who: this.#name, lessons }, signal);
    return roster.next;
  }

  #observe(seen: Observation): void {
    if (seen.type === 'durable') this.#durable = seen.pos;
    this.#options.parts.observe({ ...seen, own: this.#name });
  }

  /** Once, as long as it is the same. */
  #tell({ code, message }: PgveilError, retryInMs: number): void {
    if (this.#told === code) return;
    this.#told = code;
    this.#observe({ type: 'trouble', part: this.#name, code, message, retryInMs });
  }
}

const FIRST_LOOK_MS = 50;
