import type { Observe } from '../core/observer.ts';
import type { Redactor } from '../core/redactor.ts';
import type { Sink } from '../core/sink.ts';
import type { Source } from '../core/source.ts';
import type { Desk } from './desk.ts';

export interface Parts {
  readonly source: Source;
  /** By the name the configuration gives them. */
  readonly sinks: ReadonlyMap<string, Sink>;
  readonly redactor: Redactor;
  readonly observe: Observe;
  /** Bytes that may be queued, over all lanes. */
  readonly memory: number;
}

/** What earlier sessions found out and what this one has to respect. */
export interface Outset {
  /** Tables that a sink could not go on with: name to code. */
  readonly halts: ReadonlyMap<string, string>;
  /** Forget the position and copy every table. */
  readonly anew: boolean;
  /** Stop once everything committed before the start is durable. */
  readonly untilCaughtUp: boolean;
  /** Called once when the first batch is through: the source can be read. */
  readonly healthy: () => void;
  /** Called whenever more is durable than before: whatever was wrong is over. */
  readonly advanced: () => void;
  /** A table was copied anew, or is to be because a person said so: what halted it is over. */
  readonly healed: (table: string) => void;
  /** Where people ask for something while the session runs. */
  readonly desk: Desk;
}
