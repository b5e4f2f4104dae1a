import type { TableState } from './checkpoint.ts';
import type { ErrorCode } from './errors.ts';
import type { Lsn } from './lsn.ts';

/** What the parts tell the outside: logs, metrics, status and progress bars all listen to this one function. No values of rows, ever. */
export type Observe = (observation: Observation) => void;

/** The slot as the server sees it, and where the server's durable WAL ends; null for what it does not say. */
export interface SlotSeen {
  readonly type: 'slot';
  readonly name: string;
  readonly end: Lsn;
  readonly retainedBytes: number | null;
  readonly walStatus: string | null;
  readonly safeBytes: number | null;
}

/** What the WAL that the server writes means for a slot. */
export interface WalSeen {
  readonly type: 'wal';
  readonly slot: string;
  /** What the server writes, all its databases together, smoothed; null before it was looked at twice. */
  readonly bytesPerSecond: number | null;
  /** Until the slot is lost, were it to stay where it is; null where there is no limit, or nothing is written. */
  readonly secondsLeft: number | null;
}

/** A slot came past one of the configured levels, or back; or its reader among the synchronous standbys. */
export interface WalAlarm {
  readonly type: 'wal alarm';
  readonly slot: string;
  /** One of src/core/errors.ts. */
  readonly code: 'wal_retained' | 'wal_time_left' | 'wal_limit' | 'sync_standby';
  readonly message: string;
  readonly isOver: boolean;
}

/** What keeps the pipeline from going on, and ends by itself. While another instance has it, that one tells of tables, sinks and slots. */
export interface Waiting {
  readonly type: 'waiting';
  readonly for: 'instance' | 'transaction';
  /** In words that go on from `waits for`. */
  readonly what: string;
}

/** A sink goes on only when somebody else lets it, or does so again. */
export interface SinkAlarm {
  readonly type: 'sink alarm';
  readonly sink: string;
  /** One of src/core/errors.ts. */
  readonly code: 'twin_blocked';
  readonly message: string;
  readonly fix: string;
  readonly isOver: boolean;
}

/** How far one table's copy is. The first copy has no stream to catch up with. */
export type CopyStep =
  | 'due'
  | 'started'
  | 'read'
  | 'built'
  | 'caught up'
  | 'handed over'
  | 'swapped'
  /** Nothing of it is left; the content before stays readable. */
  | 'dropped';

/** `own`: of the sink that reads by itself, where it is one of those that tells it. */
export type Observation = Seen & { readonly own?: string | undefined };

type Seen =
  /**
   * `part` is a table, a sink as configured, `source`, or `pipeline`. `code` is one of src/core/errors.ts, `fix` where it is more than that
   * one's own; `retryInMs` is null where nothing is tried again by itself.
   */
  | {
      readonly type: 'trouble';
      readonly part: string;
      readonly code: string;
      readonly message: string;
      readonly fix?: string;
      readonly retryInMs: number | null;
    }
  | Waiting
  /** A step of the pipeline's life that an operator wants in the log: `slot created`, `copy of everything`, why. */
  | { readonly type: 'step'; readonly message: string; readonly table?: string }
  /** All tables of a copy that begins, before any of it: bytes by table, as far as they are known. */
  | { readonly type: 'copy due'; readonly tables: ReadonlyMap<string, number> }
  /**
   * Where a sink stands to the others: it reads with them (`live`), it fails and they wait with what the slot may let go of (`away`), or it
   * reads by itself from the slot that is named (`parked`).
   */
  | {
      readonly type: 'sink';
      readonly sink: string;
      readonly state: 'live' | 'away' | 'parked';
      readonly slot: string | null;
      /** In words, where there is more to say than the state. */
      readonly why?: string;
    }
  /** What a copy is expected to take on a sink, beside the content before: as much as that does there, indexes included. */
  | { readonly type: 'room'; readonly table: string; readonly bytes: number }
  /** How far a copy has come: sums since its start, not steps. Chunks that are still being read count, until they have to be read again. */
  | {
      readonly type: 'copy';
      readonly table: string;
      readonly rows: number;
      readonly bytes: number;
      readonly totalBytes: number;
    }
  /** `why`: of a copy that is due, or was dropped. */
  | {
      readonly type: 'copy step';
      readonly table: string;
      readonly generation: number;
      readonly step: CopyStep;
      readonly why?: string;
    }
  | {
      readonly type: 'table';
      readonly table: string;
      readonly generation: number;
      readonly state: 'waiting' | 'copying' | TableState['state'];
      readonly code?: string;
      readonly reason?: string;
      /** Of a halt: what to do, where it is more than the code's own line in errors.ts says (SQL, old and new names). */
      readonly fix?: string;
    }
  | {
      readonly type: 'warning';
      readonly table: string;
      readonly code: ErrorCode;
      readonly message: string;
      readonly fix: string;
    }
  /** Cells that a rule could not rewrite and that were therefore sent as NULL. */
  | { readonly type: 'withheld'; readonly table: string; readonly column: string; readonly cells: number }
  | { readonly type: 'repaired'; readonly table: string; readonly rows: number }
  | { readonly type: 'changes'; readonly table: string; readonly rows: number }
  /** From the take-over on, again and again. */
  | SlotSeen
  /** That of a copy beside the stream, likewise, where it lasts for a while; `seen` is null when it is over. */
  | { readonly type: 'copy slot'; readonly name: string; readonly seen: SlotSeen | null }
  | WalSeen
  | WalAlarm
  | SinkAlarm
  /** The source has shown that its history is the one the sinks know, and goes on from there: what becomes durable from now on is of this stream. */
  | { readonly type: 'confirmed' }
  /**
   * A batch came in whose oldest commit happened at `commitTime` (µs since 2000-01-01 UTC; null where it has none). A sink whose position is
   * `pos` or beyond holds all of it.
   */
  | { readonly type: 'received'; readonly pos: Lsn; readonly commitTime: bigint | null }
  /** The source is read up to `pos`, and all that there was for the sinks came in. Not every such position is worth a batch. */
  | { readonly type: 'reached'; readonly pos: Lsn }
  | { readonly type: 'durable'; readonly sink: string; readonly pos: Lsn }
  | { readonly type: 'acked'; readonly pos: Lsn };
