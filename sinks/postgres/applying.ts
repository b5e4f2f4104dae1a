import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Client } from 'pg';
import type { Change } from '../../src/core/batch.ts';
import type { Position, TableEntry } from '../../src/core/checkpoint.ts';
import { reach } from '../../src/core/fault.ts';
import type { Observe } from '../../src/core/observer.ts';
import type { RedactedTable } from '../../src/core/table.ts';
import { Apply } from './apply.ts';
import { type Claim, saveEntry, savePosition } from './checkpoint.ts';
import { type Staged, Window } from './fold.ts';
import { query } from './query.ts';
import { refusal } from './refusal.ts';
import { truncateGeneration } from './truncate.ts';
import type { TwinTable } from './twin-table.ts';

/** All windows together are applied when they hold so much. While they are, the next ones fill: memory is twice this. */
const WINDOWS_BYTES = 2 * 1024 * 1024;

/** Encoded in about a millisecond. */
const TURN_BYTES = 256 * 1024;

/** What a change costs in memory beside its bytes. */
const CHANGE_BYTES = 64;

/** The one open transaction in which changes are applied, until a position ends it. */
export class Applying {
  readonly #client: Client;
  readonly #claim: Claim;
  readonly #observe: Observe;
  readonly #tableOf: (table: RedactedTable) => TwinTable;
  readonly #apply: Apply;
  readonly #entries = new Map<string, TableEntry>();
  #windows = new Map<RedactedTable, Window>();
  #bytes = 0;
  /** At so many bytes the event loop turns: the server waits for what was started before. */
  #nextTurn = TURN_BYTES;
  #isOpen = false;
  /** Windows that are being applied; a failure is told by whoever waits for them next. */
  #underWay: Promise<void> = Promise.resolve();
  #position: Position | null;

  constructor(
    client: Client,
    claim: Claim,
    position: Position | null,
    tableOf: (table: RedactedTable) => TwinTable,
    observe: Observe,
  ) {
    this.#client = client;
    this.#claim = claim;
    this.#position = position;
    this.#tableOf = tableOf;
    this.#observe = observe;
    this.#apply = new Apply(client);
  }

  async write(changes: readonly Change<'redacted'>[]): Promise<void> {
    for (const change of changes) {
      const unfolded = change.op === 'truncate' ? null : this.#fold(change);
      if (change.op === 'truncate') await this.#truncate(change.table);
      if (unfolded) await this.#move(change, unfolded);
      if (this.#bytes >= this.#nextTurn) await this.#takeTurn();
      if (this.#bytes >= WINDOWS_BYTES) await this.#applyWindows();
    }
  }

  /** The entry becomes durable with the next position. */
  setEntry(table: string, entry: TableEntry): void {
    this.#entries.set(table, entry);
  }

  /** A later entry of the table is durable already. */
  dropEntry(table: string): void {
    this.#entries.delete(table);
  }

  /** Applies all that was written so far, within the open transaction. */
  async settle(): Promise<void> {
    await this.#applyWindows();
    await this.#underWay;
  }

  /** Ends the transaction: everything written, the entries and the position become durable together. */
  async commit(position: Position): Promise<void> {
    await this.settle();
    await this.#begin();
    for (const [table, entry] of this.#entries) await saveEntry(this.#client, this.#claim.pipeline, table, entry);
    await savePosition(this.#client, this.#claim, this.#position, position);
    reach('before the commit');
    await query(this.#client, 'COMMIT');
    reach('after the commit');
    if (this.#position === null) reach('first position durable');
    this.#position = position;
    this.#entries.clear();
    this.#isOpen = false;
  }

  #fold(change: Change<'redacted'>): Staged | null {
    const tuple = change.after ?? change.before!;
    this.#bytes += tuple.end - tuple.start + CHANGE_BYTES;
    return this.#windowOf(change.table).take(change);
  }

  async #takeTurn(): Promise<void> {
    this.#nextTurn = this.#bytes + TURN_BYTES;
    await nextTurn();
  }

  async #move({ table, before }: Change<'redacted'>, row: Staged): Promise<void> {
    await this.settle();
    await this.#begin();
    await this.#apply.move(this.#tableOf(table), row, before!);
  }

  /** What was gathered for the table is void, and sent for nothing. */
  async #truncate(table: RedactedTable): Promise<void> {
    await this.#underWay;
    await this.#begin();
    this.#windows.delete(table);
    try {
      await truncateGeneration(this.#client, this.#tableOf(table));
    } catch (error) {
      throw refusal(error, table.name);
    }
  }

  /** Starts to apply the windows when those before are done. Does not wait for it, except where a row alone is too large to keep. */
  async #applyWindows(): Promise<void> {
    await this.#underWay;
    const windows = this.#windows;
    if (windows.size === 0) return;
    this.#underWay = this.#bringIn(windows.values());
    this.#underWay.catch(() => {}); // Told to whoever waits for it.
    if (this.#bytes >= 2 * WINDOWS_BYTES) await this.#underWay;
    this.#windows = new Map();
    this.#bytes = 0;
    this.#nextTurn = TURN_BYTES;
  }

  async #bringIn(windows: Iterable<Window>): Promise<void> {
    await this.#begin();
    for (const window of windows) {
      const repaired = await this.#apply.window(window);
      if (repaired > 0) this.#observe({ type: 'repaired', table: window.table.source.name, rows: repaired });
    }
  }

  async #begin(): Promise<void> {
    if (this.#isOpen) return;
    this.#isOpen = true;
    await query(this.#client, 'BEGIN');
  }

  #windowOf(table: RedactedTable): Window {
    let window = this.#windows.get(table);
    if (!window) {
      window = new Window(this.#tableOf(table));
      this.#windows.set(table, window);
    }
    return window;
  }
}
