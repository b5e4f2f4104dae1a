import { setTimeout as sleep } from 'node:timers/promises';
import { needsPerson } from '../../core/error-kind.ts';
import { PgveilError } from '../../core/errors.ts';
import type { Lsn } from '../../core/lsn.ts';
import type { Observation } from '../../core/observer.ts';
import type { Sink } from '../../core/sink.ts';
import { Backoff } from '../backoff.ts';
import type { Desk } from '../desk.ts';
import type { Apart, Parts } from '../parts.ts';
import type { Patience } from '../patience.ts';
import { RecoveryState } from '../recovery.ts';
import type { Others } from './others.ts';

export interface AbsenceOptions {
  readonly parts: Parts;
  readonly apart: Apart;
  readonly others: Others;
  readonly patience: Patience;
  /** Where people ask the others. */
  readonly desk: Desk;
}

/** What is known of a sink while it is not with the others, and what may be asked of it. */
export class AbsentSink {
  readonly name: string;
  readonly sink: Sink;
  readonly options: AbsenceOptions;
  readonly backoff = new Backoff();
  readonly desk: Desk;
  readonly recovery: RecoveryState;
  /** As far as it became durable since it left. */
  durable: Lsn | null = null;
  /** What it fails with before it reads by itself; from then on `recovery` says it. */
  #failure: PgveilError | null = null;
  #detached = new AbortController();
  #hasSlot = true;

  constructor(name: string, options: AbsenceOptions) {
    this.name = name;
    this.sink = options.parts.sinks.get(name)!;
    this.options = options;
    this.desk = options.desk.beside();
    this.recovery = new RecoveryState(options.desk.orders.acceptSource);
  }

  /** What only a person can mend; null where it may be back by itself. */
  get halt(): PgveilError | null {
    const failure = this.recovery.failure ?? this.#failure;
    return failure && needsPerson(failure.kind) ? failure : null;
  }

  /** Aborts when what is kept for it is to be let go of: it copies everything then. */
  get detached(): AbortSignal {
    return this.#detached.signal;
  }

  detach(): void {
    this.#detached.abort();
  }

  /** Nothing is kept for it from here on. When it copies it makes itself another slot, and until then it has none. */
  isLetGo(): void {
    this.#detached = new AbortController();
    this.#hasSlot = false;
    this.recovery.anew = true;
    this.observe({ type: 'sink', sink: this.name, state: 'parked', slot: null });
    this.tell(detached(this.name), 0);
  }

  observe(seen: Observation): void {
    if (seen.type === 'durable') this.durable = seen.pos;
    if (seen.type === 'received') this.#failure = null;
    if (seen.type === 'slot' && !this.#hasSlot) {
      this.#hasSlot = true;
      this.observe({ type: 'sink', sink: this.name, state: 'parked', slot: seen.name });
    }
    this.options.parts.observe({ ...seen, own: this.name });
  }

  /** Once, as long as it is the same. */
  tell(failure: PgveilError, retryInMs: number): void {
    const before = this.#failure;
    this.#failure = failure;
    const { code, message, fix } = failure;
    if (before?.code !== code) this.observe({ type: 'trouble', part: this.name, code, message, fix, retryInMs });
  }

  /** Waits, at the longest until it is detached. Rejects when `signal` aborts. */
  async pause(ms: number, signal: AbortSignal): Promise<void> {
    await sleep(ms, undefined, { signal: AbortSignal.any([signal, this.detached]) }).catch(() => {});
    signal.throwIfAborted();
  }
}

/** What a sink leaves with whose WAL the source cannot keep any longer. */
export function detached(sink: string): PgveilError {
  return new PgveilError('sink_detached', `sink ${sink}: it held back more WAL than the source may keep`, { sink });
}
