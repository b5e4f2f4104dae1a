import type { SlotSeen, WalAlarm, WalSeen } from '../../core/observer.ts';
import { fixOf } from '../known-errors.ts';
import type { Notice } from './table-status.ts';

/** One slot in /status; null for what the server does not say, or what is not known yet. */
export interface SlotStatus {
  readonly name: string;
  readonly retained_bytes: number | null;
  readonly wal_status: string | null;
  /** WAL that may still be written before the slot is lost; null without max_slot_wal_keep_size. */
  readonly safe_bytes: number | null;
  /** WAL that the server writes, smoothed over a minute. */
  readonly rate_bytes_per_s: number | null;
  /** By safe_bytes at that rate. */
  readonly seconds_left: number | null;
  /** The levels of `source.wal_alarm` that it is beyond. */
  readonly alarms: readonly Notice[];
}

/** What is known of one slot, told by observations. */
export class SlotWatch {
  readonly name: string;
  #seen: SlotSeen | null = null;
  #wal: WalSeen | null = null;
  readonly #alarms = new Map<WalAlarm['code'], Notice>();

  constructor(name: string) {
    this.name = name;
  }

  slot(seen: SlotSeen): void {
    this.#seen = seen;
  }

  wal(seen: WalSeen): void {
    this.#wal = seen;
  }

  alarm({ code, message, isOver }: WalAlarm): void {
    if (isOver) this.#alarms.delete(code);
    else this.#alarms.set(code, { code, message, fix: fixOf(code) });
  }

  status(): SlotStatus {
    const left = this.#wal?.secondsLeft ?? null;
    const rate = this.#wal?.bytesPerSecond ?? null;
    return {
      name: this.name,
      retained_bytes: this.#seen?.retainedBytes ?? null,
      wal_status: this.#seen?.walStatus ?? null,
      safe_bytes: this.#seen?.safeBytes ?? null,
      rate_bytes_per_s: rate === null ? null : Math.round(rate),
      seconds_left: left === null ? null : Math.floor(left),
      alarms: [...this.#alarms.values()],
    };
  }
}
