import type { WalAlarmConfig } from '../../../config/config.ts';
import type { Observation, Observe, SlotSeen, WalAlarm } from '../../core/observer.ts';
import { formatBytes, formatSeconds } from '../show/quantity.ts';
import { WalRate } from './wal-rate.ts';

/** An alarm ends when the slot is so far on the good side of the level: at the level itself it would come and go. */
const MARGIN = 1.25;

/** Tells, of every slot that is looked at, how long it will last, and when it comes past a level or back. */
export class WalGuard {
  readonly #levels: WalAlarmConfig;
  readonly #tell: Observe;
  readonly #now: () => number;
  readonly #rate = new WalRate();
  /** By slot and code. */
  readonly #begun = new Set<string>();

  /** `now` in milliseconds of a monotonic clock. */
  constructor(levels: WalAlarmConfig, tell: Observe, now = () => performance.now()) {
    this.#levels = levels;
    this.#tell = tell;
    this.#now = now;
  }

  observe(seen: SlotSeen): void {
    const { name: slot, retainedBytes } = seen;
    const bytesPerSecond = this.#rate.note(seen.end, this.#now());
    const secondsLeft = timeLeft(seen, bytesPerSecond);
    this.#tell({ type: 'wal', slot, bytesPerSecond, secondsLeft });
    this.#judge({ slot, code: 'wal_retained', by: (retainedBytes ?? 0) / this.#levels.retained }, () =>
      retainedText(slot, retainedBytes ?? 0),
    );
    const level = this.#levels.timeLeftMs / 1000;
    this.#judge({ slot, code: 'wal_time_left', by: secondsLeft === null ? 0 : level / secondsLeft }, () =>
      timeLeftText(slot, bytesPerSecond ?? 0, secondsLeft),
    );
  }

  observeCopy({ name, seen }: Extract<Observation, { readonly type: 'copy slot' }>): void {
    if (seen) this.observe(seen);
    else this.#forget(name);
  }

  #forget(slot: string): void {
    for (const code of ['wal_retained', 'wal_time_left'] as const) {
      if (!this.#begun.delete(`${slot} ${code}`)) continue;
      this.#tell({ type: 'wal alarm', slot, code, message: `the slot ${slot} is gone with its copy`, isOver: true });
    }
  }

  /** `by`: 1 at the level, more beyond it. */
  #judge({ slot, code, by }: Pick<WalAlarm, 'slot' | 'code'> & { readonly by: number }, message: () => string): void {
    const alarm = `${slot} ${code}`;
    const isBegun = this.#begun.has(alarm);
    const isOver = isBegun && by < 1 / MARGIN;
    if (isBegun ? !isOver : by < 1) return;
    if (isOver) this.#begun.delete(alarm);
    else this.#begun.add(alarm);
    this.#tell({ type: 'wal alarm', slot, code, message: message(), isOver });
  }
}

/** In seconds. A slot that was given up has none left; null where there is no limit, or nothing is written. */
function timeLeft({ walStatus, safeBytes }: SlotSeen, bytesPerSecond: number | null): number | null {
  if (walStatus === 'lost') return 0;
  if (safeBytes === null) return null;
  if (safeBytes <= 0) return 0;
  return bytesPerSecond ? safeBytes / bytesPerSecond : null;
}

function retainedText(slot: string, bytes: number): string {
  return `the slot ${slot} keeps ${formatBytes(bytes)} of WAL on the source`;
}

function timeLeftText(slot: string, bytesPerSecond: number, secondsLeft: number | null): string {
  const rate = `the source writes ${formatBytes(bytesPerSecond)} of WAL a second`;
  if (secondsLeft === null) return `${rate}: the slot ${slot} is not in danger`;
  return `${rate}: if the slot ${slot} does not move, it is lost in ${formatSeconds(secondsLeft)}`;
}
