/** Nothing heard for so long: ask the server for a sign of life. An idle one sends a keepalive only every half wal_sender_timeout. */
export const ASK_AFTER_MS = 10_000;

/** Nothing heard for so long, although it was asked: the connection is half-open. */
export const GONE_AFTER_MS = 30_000;

/**
 * How often the server is told where we stand, in milliseconds. It cuts off whoever is silent for wal_sender_timeout (0: never);
 * thrice in that time leaves room for one late timer, and once a second lets the slot follow closely.
 */
export function statusInterval(walSenderTimeoutMs: number): number {
  return walSenderTimeoutMs === 0 ? 1000 : Math.min(1000, Math.max(50, walSenderTimeoutMs / 3));
}

/** Tells a silent server from one that is gone, from one that we do not listen to, and from our own sleep. All times in ms of one monotonic clock. */
export class Liveness {
  readonly #intervalMs: number;
  #heardAt: number;
  #tickedAt: number;

  /** `tick` will be called every `intervalMs`. */
  constructor(intervalMs: number, now: number) {
    this.#intervalMs = intervalMs;
    this.#heardAt = now;
    this.#tickedAt = now;
  }

  /** Something came from the server. */
  heard(now: number): void {
    this.#heardAt = now;
  }

  /** `listening` is false while back-pressure keeps the socket unread: the server cannot be heard then. */
  tick(now: number, listening: boolean): 'well' | 'ask' | 'gone' {
    // A tick that comes late was held up by us (a stopped process, a long computation), and so were the server's answers.
    const slept = now - this.#tickedAt > this.#intervalMs * 3;
    this.#tickedAt = now;
    if (slept || !listening) this.#heardAt = now;
    const silence = now - this.#heardAt;
    if (silence >= GONE_AFTER_MS) return 'gone';
    return silence >= ASK_AFTER_MS ? 'ask' : 'well';
  }
}
