import type { Observe } from '../core/observer.ts';
import type { Redactor } from '../core/redactor.ts';
import type { Sink } from '../core/sink.ts';
import type { Slots } from '../core/slots.ts';
import type { Source } from '../core/source.ts';
import type { Desk } from './desk.ts';
import type { Roster } from './roster.ts';

export interface Parts {
  readonly source: Source;
  /** By the name the configuration gives them. */
  readonly sinks: ReadonlyMap<string, Sink>;
  readonly redactor: Redactor;
  readonly observe: Observe;
  /** Bytes that may be queued, over all lanes. */
  readonly memory: number;
  /** What a sink needs to read by itself; without it all wait for one that is away. */
  readonly apart?: Apart;
}

/** What a sink needs to read by itself. */
export interface Apart {
  readonly slots: Slots;
  /** Milliseconds that a sink may be away before its WAL is kept in a slot of its own. */
  patience(sink: string): number;
  /** Whether the sink may be let go of, to copy everything later, when its WAL is more than the source may keep. */
  mayDetach(sink: string): boolean;
  /** Who reads and redacts for this sink alone, from its own slot. */
  parts(sink: string, observe: Observe): Pick<Parts, 'source' | 'redactor' | 'memory'>;
}

/** What earlier sessions found out and what this one has to respect. */
export interface SessionContext {
  /** Who takes part. */
  readonly roster: Roster;
  /** Tables that a sink could not go on with: name to code. */
  readonly halts: ReadonlyMap<string, string>;
  /** Forget the position and copy every table. */
  readonly anew: boolean;
  /** Called once when the first batch is through: the source can be read. */
  readonly healthy: () => void;
  /** Called whenever more is durable than before: whatever was wrong is over. */
  readonly advanced: () => void;
  /** A table was copied anew, or is to be because a person said so: what halted it is over. */
  readonly healed: (table: string) => void;
  /** Where people ask for something while the session runs. */
  readonly desk: Desk;
}
