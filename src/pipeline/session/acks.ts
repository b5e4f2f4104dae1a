import type { Lsn } from '../../core/lsn.ts';

/** The slot follows the slowest sink. Pure: it is told what is durable and says how far the slot may move. */
export class Acks {
  readonly #durable = new Map<string, Lsn | null>();
  #acked: Lsn;

  /** `from` is where the slot stands at the least; a sink without a position (null) holds it there. */
  constructor(from: Lsn, sinks: ReadonlyMap<string, Lsn | null>) {
    this.#acked = from;
    for (const [sink, lsn] of sinks) this.#durable.set(sink, lsn);
  }

  /** What the slot waits for, by sink. */
  get positions(): ReadonlyMap<string, Lsn | null> {
    return this.#durable;
  }

  /** The least of all positions; null while a sink has none. */
  get least(): Lsn | null {
    let least: Lsn | null = null;
    for (const lsn of this.#durable.values()) {
      if (lsn === null) return null;
      if (least === null || lsn < least) least = lsn;
    }
    return least;
  }

  /** Returns the LSN to acknowledge, or null where the slot stays. Positions never move back. */
  durable(sink: string, lsn: Lsn): Lsn | null {
    const before = this.#durable.get(sink) ?? null;
    if (before === null || lsn > before) this.#durable.set(sink, lsn);
    return this.#next();
  }

  /** The slot waits for a sink that nobody writes to here; null: whatever it holds. */
  hold(sink: string, lsn: Lsn | null): void {
    this.#durable.set(sink, lsn);
  }

  /** The slot waits for it no longer: what it lacks is kept elsewhere. Returns as `durable` does. */
  release(sink: string): Lsn | null {
    this.#durable.delete(sink);
    return this.#next();
  }

  #next(): Lsn | null {
    const least = this.least;
    if (least === null || least <= this.#acked) return null;
    this.#acked = least;
    return least;
  }
}
