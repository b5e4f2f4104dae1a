import type { Position, Witness } from '../../../src/core/checkpoint.ts';
import { PgveilError } from '../../../src/core/errors.ts';
import { formatLsn, type Lsn, parseLsn } from '../../../src/core/lsn.ts';

/** Who the server says it is: IDENTIFY_SYSTEM, and its timeline history file where the timeline is not the one we know. */
export interface Identity {
  readonly systemIdentifier: string;
  readonly databaseOid: number;
  readonly timeline: number;
  /** Where its durable WAL ends. */
  readonly flushed: Lsn;
  /** Null where nobody asked for it. */
  readonly timelineHistory: string | null;
}

/** Throws `history_changed` unless this server can be the one that we know, with everything that we have from it. Asked before any WAL. */
export function requireSameServer(position: Position, now: Identity): void {
  const { pos, history } = position;
  if (now.systemIdentifier !== history.systemIdentifier) throw changed('this is another server');
  if (now.databaseOid !== history.databaseOid) throw changed('this is another database');
  if (now.timeline < history.timeline) {
    throw changed(`the server is on timeline ${now.timeline}, it was on ${history.timeline}`);
  }
  if (now.timeline > history.timeline) {
    const left = switchPoint(now.timelineHistory ?? '', history.timeline);
    if (left === null) throw changed(`timeline ${now.timeline} does not descend from ${history.timeline}`);
    if (pos > left) {
      throw changed(`the server left timeline ${history.timeline} at ${formatLsn(left)}, we have ${formatLsn(pos)}`);
    }
  }
  // Only what was flushed is ever sent, so a crash cannot explain this; an older copy of the data does.
  if (now.flushed < pos) throw changed(`its WAL ends at ${formatLsn(now.flushed)}, we have ${formatLsn(pos)}`);
}

/** Where `timeline` was left, by a timeline history file: lines of parent timeline, switch point and reason. Null where it is no ancestor. */
export function switchPoint(timelineHistory: string, timeline: number): Lsn | null {
  for (const line of timelineHistory.split('\n')) {
    const [parent, point] = line.trim().split(/\s+/);
    if (Number(parent) === timeline && point && /^[0-9A-F]+\/[0-9A-F]+$/i.test(point)) return parseLsn(point);
  }
  return null;
}

/** Whether the stream shows that the history is the one that sinks know. Each may throw `history_changed`. */
export interface Search {
  /** Until then nothing may be applied or acknowledged. */
  readonly found: boolean;
  /** A transaction was sent. */
  begin(transaction: Witness): void;
  /** Between transactions the stream got to `lsn`: everything committed before it was sent. */
  reached(lsn: Lsn): void;
}

/**
 * Looks for the witness among what the slot sends again. A data directory restored from an older copy has the same identifier,
 * timeline and slot, and its LSN may have passed ours: it shows in nothing else. So until `found` nothing may be applied or acknowledged.
 *
 * The stream always starts at the slot's confirmed_flush; transactions arrive in the order of their clsn.
 */
export class WitnessSearch implements Search {
  readonly #position: Position;
  readonly #confirmedFlush: Lsn;
  #last: Witness | null = null;
  #found = false;

  /** Throws `slot_lost` where the slot stands beyond us: START does not say so, it just leaves out what lies between. */
  constructor(position: Position, confirmedFlush: Lsn) {
    if (confirmedFlush > position.pos) {
      const gap = `the slot stands at ${formatLsn(confirmedFlush)}, the sinks at ${formatLsn(position.pos)}`;
      throw new PgveilError('slot_lost', `source: ${gap}: what lies between is lost`);
    }
    this.#position = position;
    this.#confirmedFlush = confirmedFlush;
  }

  get found(): boolean {
    return this.#found;
  }

  begin(transaction: Witness): void {
    if (this.#found) return;
    if (transaction.clsn >= this.#position.pos) this.#conclude();
    else this.#last = transaction;
  }

  reached(lsn: Lsn): void {
    if (!this.#found && lsn >= this.#position.pos) this.#conclude();
  }

  #conclude(): void {
    const { witness } = this.#position;
    if (this.#last) this.#mustBe(witness, this.#last);
    else if (witness && this.#confirmedFlush <= witness.clsn) {
      throw changed(`the transaction at ${formatLsn(witness.clsn)} should be in its WAL and is not`);
    }
    this.#found = true;
  }

  /** The last transaction below our position is the last that we received: the same one, and nothing behind it. */
  #mustBe(witness: Witness | null, last: Witness): void {
    const same =
      witness && witness.clsn === last.clsn && witness.xid === last.xid && witness.commitTime === last.commitTime;
    if (!same) throw changed(`its WAL has a transaction at ${formatLsn(last.clsn)} that we never received`);
  }
}

/** The searches for what the sinks hold: the first for where the stream begins, the others for those that are further on. */
export class WitnessSearches implements Search {
  readonly #first: WitnessSearch;
  readonly #others: readonly WitnessSearch[];

  /** Throws `slot_lost` as a search does. */
  constructor(position: Position, ahead: readonly Position[], confirmedFlush: Lsn) {
    this.#first = new WitnessSearch(position, confirmedFlush);
    this.#others = ahead.map((one) => new WitnessSearch(one, confirmedFlush));
  }

  /** Whether what is sent may be applied by the sink that is behind all others. What these hold already is left out for them. */
  get found(): boolean {
    return this.#first.found;
  }

  begin(transaction: Witness): void {
    this.#first.begin(transaction);
    for (const search of this.#others) search.begin(transaction);
  }

  reached(lsn: Lsn): void {
    this.#first.reached(lsn);
    for (const search of this.#others) search.reached(lsn);
  }
}

function changed(how: string): PgveilError {
  return new PgveilError('history_changed', `source: ${how}`);
}
