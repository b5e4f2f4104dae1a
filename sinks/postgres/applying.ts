import type { ClientBase } from 'pg';
import type { Change } from '../../src/core/batch.ts';
import type { Position, TableEntry } from '../../src/core/checkpoint.ts';
import { reach } from '../../src/core/fault.ts';
import type { Observe } from '../../src/core/observer.ts';
import type { RedactedTable } from '../../src/core/table.ts';
import { applyWindow, moveRow } from './apply.ts';
import { type Claim, saveEntry, savePosition } from './checkpoint.ts';
import { Window } from './fold.ts';
import { query } from './query.ts';
import { refusal } from './refusal.ts';
import { Stage } from './stage.ts';
import { truncateGeneration } from './truncate.ts';
import type { TwinTable } from './twin-table.ts';

/** All windows together are applied when they hold so much. While they are, the next ones fill: memory is twice this. */
const WINDOWS_BYTES = 4 * 1024 * 1024;

/** What a change costs in memory beside its bytes. */
const CHANGE_BYTES = 64;

/** The one open transaction in which changes are applied, until a position ends it. */
export class Applying {
  readonly #client: ClientBase;
  readonly #claim: Claim;
  readonly #observe: Observe;
  readonly #tableOf: (table: RedactedTable) => TwinTable;
  readonly #stage: Stage;
  readonly #entries = new Map<string, TableEntry>();
  #windows = new Map<RedactedTable, Window>();
  #bytes = 0;
  #isOpen = false;
  /** Windows that are being applied; a failure is told by whoever waits for them next. */
  #underWay: Promise<void> = Promise.resolve();
  #position: Position | null;

  constructor(
    client: ClientBase,
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
    this.#stage = new Stage(client, claim.epoch);
  }

  async write(changes: readonly Change<'redacted'>[]): Promise<void> {
    for (const change of changes) {
      if (change.op === 'truncate') await this.#truncate(change.table);
      else if (!this.#fold(change)) await this.#move(change);
      if (this.#bytes >= WINDOWS_BYTES) await this.#applyWindows();
    }
  }

  /** The entry becomes durable with the next position. */
  setEntry(table: string, entry: TableEntry): void {
    this.#entries.set(table, entry);
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
    this.#stage.ended();
    this.#isOpen = false;
  }

  #fold(change: Change<'redacted'>): boolean {
    const tuple = change.after ?? change.before!;
    this.#bytes += tuple.end - tuple.start + CHANGE_BYTES;
    return this.#windowOf(change.table).take(change);
  }

  async #move(change: Change<'redacted'>): Promise<void> {
    await this.settle();
    await this.#begin();
    await moveRow(this.#client, this.#tableOf(change.table), change);
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

  /** Starts to apply the windows when those before are done; does not wait for it. */
  async #applyWindows(): Promise<void> {
    await this.#underWay;
    const windows = this.#windows;
    if (windows.size === 0) return;
    this.#windows = new Map();
    this.#bytes = 0;
    this.#underWay = this.#apply(windows.values());
    this.#underWay.catch(() => {});
  }

  async #apply(windows: Iterable<Window>): Promise<void> {
    await this.#begin();
    for (const window of windows) {
      const repaired = await applyWindow(this.#client, window, this.#stage);
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
