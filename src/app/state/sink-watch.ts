import { formatLsn, type Lsn } from '../../core/lsn.ts';
import type { Observation, SinkAlarm } from '../../core/observer.ts';
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
  /** Age of the oldest commit that it does not hold durably yet: see Lag. Null when nobody measures it. */
  readonly lag_ms: number | null;
  /** Of a parked one: what only a person can mend. */
  readonly halt?: Notice;
  /** Of a parked one: what keeps it away, where that may pass by itself. */
  readonly trouble?: Notice;
  /** What it waits for, where somebody else has to let it go on. */
  readonly alarms?: readonly Notice[];
  /** Of a parked one: what keeps its WAL, where that is not the pipeline's. */
  readonly slot?: SlotStatus;
}

type Seen<T extends Observation['type']> = Extract<Observation, { readonly type: T }>;

/** What is known of one sink: told by the stream that it reads, that of the others or its own, and of its tables while it reads by itself. */
export class SinkWatch {
  #position: Lsn | null = null;
  #state: Seen<'sink'>['state'] = 'live';
  #slot: SlotWatch | null = null;
  #tables = new Map<string, TableWatch>();
  readonly #alarms = new Map<SinkAlarm['code'], Notice>();
  readonly #lag: Lag;

  /** What keeps it away; null where nothing is known to. */
  trouble: Notice | null = null;

  /** `now` in milliseconds since 1970. */
  constructor(now: number) {
    this.#lag = new Lag(now);
  }

  /** Null until it holds something durably. */
  get position(): Lsn | null {
    return this.#position;
  }

  /** What only a person can mend; null while it is with the others, and where it may be back by itself. */
  get halt(): Notice | null {
    return !this.isLive && this.trouble && isForPerson(this.trouble.code) ? this.trouble : null;
  }

  get isLive(): boolean {
    return this.#state === 'live';
  }

  /** It holds a position of the stream that is going on. */
  get isFollowing(): boolean {
    return this.#lag.isFollowing;
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
    // One that is live is told of as such whenever a session begins, and its own goes on while its slot changes.
    if (this.isLive || state === 'live') this.#lag.interrupt(now);
    this.#state = state;
    this.#slot = slot === null ? null : new SlotWatch(slot);
    if (state !== 'live') return;
    this.#tables = new Map();
    this.trouble = null;
  }

  takeOver(now: number): void {
    this.#lag.takeOver(now);
  }

  alarm({ code, message, fix, isOver }: SinkAlarm): void {
    if (isOver) this.#alarms.delete(code);
    else this.#alarms.set(code, { code, message, fix });
  }

  /** What happens in the stream that it reads, whoever else reads it. */
  follow(seen: Observation, now: number): void {
    switch (seen.type) {
      case 'confirmed':
        this.#lag.confirmed();
        break;
      case 'slot':
        this.#lag.seen(seen.end, now);
        break;
      case 'reached':
        this.#lag.reached(seen.pos);
        break;
      case 'received':
        this.#lag.received(seen.pos, seen.commitTime);
        break;
      case 'durable':
        this.#position = seen.pos;
        this.#lag.durable(seen.pos);
        break;
      case 'trouble':
        this.#lag.interrupt(now);
        break;
    }
  }

  /** What happens while it reads by itself. */
  observe(seen: Observation, now: number): void {
    this.follow(seen, now);
    switch (seen.type) {
      case 'sink':
        this.move(seen, now);
        break;
      case 'received':
        this.trouble = null;
        break;
      case 'trouble':
        this.trouble = { code: seen.code, message: seen.message, fix: seen.fix ?? fixOf(seen.code) };
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

  /** `isAway`: though it is not told of as such, since no other sink goes on without it. */
  status(end: Lsn | null, now: number, isAway: boolean): SinkStatus {
    const pos = this.#position;
    const state = this.isLive && !isAway ? 'live' : 'parked';
    return {
      state,
      position: pos === null ? null : formatLsn(pos),
      lag_bytes: pos === null || end === null ? null : Math.max(0, Number(end - pos)),
      // One that holds nothing yet waits for its first copy: how old that is says nothing. One that is away gets no copy.
      lag_ms: pos === null && state === 'live' ? null : this.#lag.ageMs(now),
      ...this.#absence(),
      ...(this.#alarms.size > 0 ? { alarms: [...this.#alarms.values()] } : {}),
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
