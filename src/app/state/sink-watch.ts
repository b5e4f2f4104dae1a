import { formatLsn, type Lsn } from '../../core/lsn.ts';
import type { Observation } from '../../core/observer.ts';
import { fixOf, isForPerson } from '../known-errors.ts';
import { Lag } from './lag.ts';
import { type SlotStatus, SlotWatch } from './slot-watch.ts';
import { type Notice, TableWatch } from './table-status.ts';

export interface SinkStatus {
  readonly state: 'live' | 'parked';
  /** As Postgres writes it; null until it holds something durably. */
  readonly position: string | null;
  /** How much WAL it lacks; null while its position or the server's is unknown. */
  readonly lag_bytes: number | null;
  /** Age of the oldest commit that it does not hold durably yet; null when nobody measures it. */
  readonly lag_ms: number | null;
  /** Of a parked one: what only a person can mend. */
  readonly halt?: Notice;
  /** Of a parked one: what keeps it away, where that may pass by itself. */
  readonly trouble?: Notice;
  /** Of a parked one: what keeps its WAL, where that is not the pipeline's. */
  readonly slot?: SlotStatus;
}

type Seen<T extends Observation['type']> = Extract<Observation, { readonly type: T }>;

/** What is known of one sink, and of its tables while it reads by itself. */
export class SinkWatch {
  /** Null until it holds something durably. */
  position: Lsn | null = null;
  #state: Seen<'sink'>['state'] = 'live';
  #slot: SlotWatch | null = null;
  #tables = new Map<string, TableWatch>();
  #lag = new Lag();
  /** Whether it is written to: what it does not receive has no age that anybody knows. */
  #isFollowing = false;
  /** Since when it is not with the others, in milliseconds since 1970. */
  #leftAt = 0;

  /** What keeps it away; null where nothing is known to. */
  trouble: Notice | null = null;

  /** What only a person can mend; null while it is with the others, and where it may be back by itself. */
  get halt(): Notice | null {
    return !this.isLive && this.trouble && isForPerson(this.trouble.code) ? this.trouble : null;
  }

  get isLive(): boolean {
    return this.#state === 'live';
  }

  /** What keeps its WAL, where that is not the pipeline's. */
  get slot(): SlotWatch | null {
    return this.#slot;
  }

  /** Its tables, as far as they were told of since it reads by itself. */
  get tables(): ReadonlyMap<string, TableWatch> {
    return this.#tables;
  }

  move({ state, slot }: Seen<'sink'>, now: number): void {
    if (this.isLive) this.#leftAt = now;
    this.#state = state;
    this.#slot = slot === null ? null : new SlotWatch(slot);
    if (state !== 'live') return;
    this.#tables = new Map();
    this.#lag = new Lag();
    this.#isFollowing = false;
    this.trouble = null;
  }

  /** What happens while it reads by itself. */
  observe(seen: Observation): void {
    switch (seen.type) {
      case 'received':
        this.#isFollowing = true;
        this.trouble = null;
        this.#lag.received(seen.pos, seen.commitTime);
        break;
      case 'durable':
        this.#lag.forget(seen.pos);
        break;
      case 'trouble':
        this.#isFollowing = false;
        this.trouble = { code: seen.code, message: seen.message, fix: seen.fix ?? fixOf(seen.code) };
        this.#lag.restart();
        break;
      case 'slot':
        this.#slot?.slot(seen);
        break;
      case 'table':
        this.#tableOf(seen.table).table(seen);
        break;
      case 'copy':
        this.#tableOf(seen.table).copy(seen);
        break;
    }
  }

  status(pos: Lsn | null, end: Lsn | null, lagMs: number, now: number): SinkStatus {
    return {
      state: this.isLive ? 'live' : 'parked',
      position: pos === null ? null : formatLsn(pos),
      lag_bytes: pos === null || end === null ? null : Math.max(0, Number(end - pos)),
      // What it has not even received is about as old as its absence.
      lag_ms: this.isLive ? lagMs : this.#isFollowing ? this.#lag.ageMs(pos, now) : now - this.#leftAt,
      ...this.#absence(),
      ...(this.#slot ? { slot: this.#slot.status() } : {}),
    };
  }

  #absence(): Pick<SinkStatus, 'halt' | 'trouble'> {
    if (this.halt) return { halt: this.halt };
    return this.isLive || !this.trouble ? {} : { trouble: this.trouble };
  }

  #tableOf(name: string): TableWatch {
    const table = this.#tables.get(name) ?? new TableWatch();
    this.#tables.set(name, table);
    return table;
  }
}
