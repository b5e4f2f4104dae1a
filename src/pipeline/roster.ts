import type { Checkpoint } from '../core/checkpoint.ts';
import type { Lsn } from '../core/lsn.ts';
import type { Sink } from '../core/sink.ts';
import { openSinks } from './checkpoints.ts';

/** Those that read together in a session. */
export interface Gathered {
  readonly checkpoints: ReadonlyMap<string, Checkpoint>;
  /** Tables whose entries one of them has to be told of, though nothing happened to them. */
  readonly told: ReadonlySet<string>;
}

/** What may be asked of a session that runs. */
export interface Running {
  /** The entries of all tables, as of what was read last. */
  readonly entries: Checkpoint['tables'];
  /** Whether tables are being copied: to end would throw that away. */
  readonly isCopying: boolean;
  /** The slot does not pass this position of a sink that is not here; null: it stays where it is. */
  hold(sink: string, pos: Lsn | null): void;
  release(sink: string): void;
  /** Makes durable what is in hand, and ends. */
  end(): void;
}

/** Who is in a session. It is asked at the beginning, and told of what becomes of them. */
export interface Roster {
  /** Opens the sinks that are to read together, one at least. Those that it does not return are not open. */
  gather(signal: AbortSignal): Promise<Gathered>;
  /** What the slot must not pass besides, by sinks that are not here. */
  readonly holds: ReadonlyMap<string, Lsn | null>;
  begin(running: Running): void;
  /** The session is over, and the source is let go of. */
  ended(): void;
  /** A sink failed. True where the others go on without it, which then is closed; false where that ends the session. */
  leave(sink: string, pos: Lsn | null, error: unknown): boolean;
  /** Whether the session may end, having caught up; null where it never does. */
  readonly mayEnd: (() => boolean) | null;
}

/** All sinks or none. */
export class OneForAll implements Roster {
  readonly holds = new Map<string, Lsn | null>();
  readonly mayEnd: (() => boolean) | null;
  readonly #sinks: ReadonlyMap<string, Sink>;

  constructor(sinks: ReadonlyMap<string, Sink>, endsCaughtUp: boolean) {
    this.#sinks = sinks;
    this.mayEnd = endsCaughtUp ? () => true : null;
  }

  async gather(signal: AbortSignal): Promise<Gathered> {
    return { checkpoints: await openSinks(this.#sinks, signal), told: new Set() };
  }

  begin(): void {}

  ended(): void {}

  leave(): boolean {
    return false;
  }
}
