import type { Checkpoint, History } from '../core/checkpoint.ts';
import type { PgveilError } from '../core/errors.ts';
import type { Lsn } from '../core/lsn.ts';
import { type Names, NO_OTHER_NAMES } from '../core/redactor.ts';
import type { Sink } from '../core/sink.ts';
import { openSinks } from './checkpoints.ts';

/** Those that read together in a session. */
export interface Gathered {
  readonly checkpoints: ReadonlyMap<string, Checkpoint>;
  /** Tables whose entries one of them has to be told of, though nothing happened to them. */
  readonly told: ReadonlySet<string>;
  readonly names: Names;
}

/** Why a sink is not with the others. */
export type Leaving =
  /** It fails; the slot waits for it. */
  | { readonly state: 'away'; readonly error: PgveilError }
  /** It lacks what the slot has let go of, or holds other copies than the others. */
  | { readonly state: 'apart' }
  /** Its WAL was too much for the source to keep. */
  | { readonly state: 'detached' };

/** What may be asked of a session that runs. */
export interface Running {
  /** The entries of all tables, as of what was read last. */
  readonly entries: Checkpoint['tables'];
  /** Of which database its entries are; null as long as that is not known. */
  readonly history: History | null;
  /** Whether tables are being copied: to end would throw that away. */
  readonly isCopying: boolean;
  /** The slot does not pass this position of a sink that is not here; null: it stays where it is. */
  hold(sink: string, pos: Lsn | null): void;
  release(sink: string): void;
  /** What the slot waits for: how far each sink is that is here, or that it is held for. */
  readonly positions: ReadonlyMap<string, Lsn | null>;
  /** What was read so far is to become durable. */
  hurry(): void;
  /** Has the sink leave with this error, as if it had failed with it. False where the others could not go on. */
  dismiss(sink: string, error: PgveilError): boolean;
  /** Makes durable what is in hand, and ends. */
  end(): void;
}

/** Who is in a session. It is asked at the beginning, and told of what becomes of them. */
export interface Roster {
  /** Opens the sinks that are to read together, one at least. Those that it does not return are not open. */
  gather(signal: AbortSignal): Promise<Gathered>;
  /** What the slot must not pass besides, by sinks that are not here. Cleared where another slot takes its place, which has nothing of theirs. */
  readonly holds: Map<string, Lsn | null>;
  begin(running: Running): void;
  /** These entries changed with what was read: names are bound as they say, before a row goes out by them. */
  bound(entries: Checkpoint['tables']): void;
  /** What others, that read beside these, bind in that database. */
  namesIn(history: History): Names;
  /** The session is over, and the source is let go of. */
  ended(): void;
  /** A sink failed. True where the others go on without it, which then is closed; false where that ends the session. */
  leave(sink: string, pos: Lsn | null, error: unknown): boolean;
  /** Whether the session may end, having caught up; null where it never does. */
  readonly mayEnd: (() => boolean) | null;
  /** Whether what time alone does not mend ends the pipeline. Where others read that are not here, they go on, and it is tried again. */
  endsAll(error: PgveilError): boolean;
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
    return { checkpoints: await openSinks(this.#sinks, signal), told: new Set(), names: NO_OTHER_NAMES };
  }

  begin(): void {}

  bound(): void {}

  namesIn(): Names {
    return NO_OTHER_NAMES;
  }

  ended(): void {}

  leave(): boolean {
    return false;
  }

  endsAll(): boolean {
    return true;
  }
}
