import type { Whereabouts } from '../../../src/postgres/guard.ts';

/** Nothing heard for so long: ask the server for a sign of life. An idle one sends a keepalive only every half wal_sender_timeout. */
export const ASK_AFTER_MS = 10_000;

/** Nothing heard for so long, although it was asked: another connection asks what became of it (docs/decisions/0021). */
export const DOUBT_AFTER_MS = 15_000;

/**
 * How often the server is told where we stand, in milliseconds. It cuts off whoever is silent for wal_sender_timeout (0: never);
 * thrice in that time leaves room for one late timer, and once a second lets the slot follow closely.
 */
export function statusInterval(walSenderTimeoutMs: number): number {
  return walSenderTimeoutMs === 0 ? 1000 : Math.min(1000, Math.max(50, walSenderTimeoutMs / 3));
}

/**
 * Tells a silent server from one that is gone, from one that we do not listen to, and from our own sleep. All times in ms of one monotonic clock.
 *
 * A walsender that decodes what it sends nothing of (the end of a long transaction on tables that are not published) is silent and reads nothing, for half of
 * wal_sender_timeout at a time, whatever it is asked. Giving up would only have it decode the same again.
 */
export class Liveness {
  readonly #intervalMs: number;
  readonly #whereabouts: Whereabouts;
  #heardAt: number;
  #tickedAt: number;
  #isDoubting = false;
  /** What another connection said of this silence. */
  #found: 'there' | 'gone' | null = null;

  /** `tick` will be called every `intervalMs`. `whereabouts` never rejects. */
  constructor(intervalMs: number, now: number, whereabouts: Whereabouts) {
    this.#intervalMs = intervalMs;
    this.#whereabouts = whereabouts;
    this.#heardAt = now;
    this.#tickedAt = now;
  }

  /** Something came from the server. */
  heard(now: number): void {
    this.#heardAt = now;
    this.#found = null;
  }

  /** `listening` is false while back-pressure keeps the socket unread: the server cannot be heard then. */
  tick(now: number, listening: boolean): 'well' | 'ask' | 'gone' {
    // A tick that comes late was held up by us (a stopped process, a long computation), and so were the server's answers.
    const slept = now - this.#tickedAt > this.#intervalMs * 3;
    this.#tickedAt = now;
    if (slept || !listening || this.#found === 'there') this.heard(now);
    if (this.#found === 'gone') return 'gone';
    const silence = now - this.#heardAt;
    if (silence >= DOUBT_AFTER_MS && !this.#isDoubting) void this.#doubt();
    return silence >= ASK_AFTER_MS ? 'ask' : 'well';
  }

  async #doubt(): Promise<void> {
    const since = this.#heardAt;
    this.#isDoubting = true;
    const found = await this.#whereabouts();
    this.#isDoubting = false;
    if (this.#heardAt === since) this.#found = found;
  }
}
