import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Client } from 'pg';
import type { Change } from '../../../src/core/batch.ts';
import type { Position, TableEntry } from '../../../src/core/checkpoint.ts';
import { reach } from '../../../src/core/fault.ts';
import type { Observe } from '../../../src/core/observer.ts';
import type { RedactedTable } from '../../../src/core/table.ts';
import { type Claim, saveEntry, savePosition } from '../checkpoint.ts';
import { refusal } from '../refusal.ts';
import type { TwinTable } from '../twin-table.ts';
import { Apply } from './apply.ts';
import { type Staged, Window } from './fold.ts';
import { Pieces } from './pieces.ts';
import { truncateGeneration } from './truncate.ts';

/** All windows together are applied when they hold so much. While they are, the next ones fill: memory is twice this. */
const WINDOWS_BYTES = 2 * 1024 * 1024;

/** New rows of a table are sent when they are so many: the server works while the next are gathered. */
const PIECE_BYTES = 128 * 1024;

/** Folded and encoded in about a millisecond. */
const TURN_BYTES = 256 * 1024;

/**
 * What is sent never ends while there is always more to do, but the server counts what was changed, and vacuums by that, only when it
 * is told so: at a commit, at the latest after so long. What follows has to wait for one answer.
 */
const SYNC_MS = 1000;

/** What a change costs beside its bytes. */
const CHANGE_BYTES = 64;

/** The one open transaction in which changes are applied, until a position ends it. */
export class Applying {
  readonly #client: Client;
  readonly #claim: Claim;
  readonly #observe: Observe;
  readonly #tableOf: (table: RedactedTable) => TwinTable;
  readonly #apply: Apply;
  readonly #pieces = new Pieces();
  readonly #entries = new Map<string, TableEntry>();
  #windows = new Map<RedactedTable, Window>();
  /** What was folded since the event loop turned. */
  #folded = 0;
  #isOpen = false;
  /** Windows that are being applied; a failure is told by whoever waits for them next. */
  #underWay: Promise<void> = Promise.resolve();
  #position: Position | null;
  #syncedAt = performance.now();

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
      if (this.#folded >= TURN_BYTES) await this.#takeTurn();
    }
  }

  /** The entry becomes durable with the next position; null where a newer one is durable already. */
  setEntry(table: string, entry: TableEntry | null): void {
    if (entry) this.#entries.set(table, entry);
    else this.#entries.delete(table);
  }

  /** Applies all that was written so far, within the open transaction, and leaves the connection to others. */
  async settle(): Promise<void> {
    await this.#applyWindows();
    await this.#underWay;
    await this.#apply.sync();
  }

  /**
   * Ends the transaction: everything written, the entries and the position become durable together. Resolves when that is on its way:
   * what is written from then on belongs to the next transaction.
   */
  async commit(position: Position): Promise<{ readonly durable: Promise<void> }> {
    await this.#applyWindows();
    await this.#underWay;
    this.#begin();
    await this.#saveEntries();
    const from = this.#position;
    const saved = savePosition((...statement) => this.#apply.run(...statement), this.#claim, from, position);
    reach('before the commit');
    const committed = this.#apply.run('COMMIT');
    this.#position = position;
    this.#isOpen = false;
    if (performance.now() - this.#syncedAt >= SYNC_MS) this.#rest();
    return { durable: this.#committed(saved, committed, from === null) };
  }

  async #committed(saved: Promise<void>, committed: Promise<unknown>, isFirst: boolean): Promise<void> {
    await saved;
    await committed;
    reach('after the commit');
    if (isFirst) reach('first position durable');
    if (!this.#isOpen) this.#rest();
  }

  /** Nothing follows for now: the server is told so, and shows its session as idle. */
  #rest(): void {
    this.#syncedAt = performance.now();
    this.#apply.sync().catch(() => {}); // A failure is told by the commit, or by whoever uses the connection next.
  }

  async #saveEntries(): Promise<void> {
    if (this.#entries.size === 0) return;
    await this.#apply.sync();
    for (const [table, entry] of this.#entries) await saveEntry(this.#client, this.#claim.pipeline, table, entry);
    this.#entries.clear();
  }

  #fold(change: Change<'redacted'>): Staged | null {
    const tuple = change.after ?? change.before!;
    this.#folded += tuple.end - tuple.start + CHANGE_BYTES;
    return this.#windowOf(change.table).take(change);
  }

  /** Lets the event loop turn, and sends what is enough to be sent. */
  async #takeTurn(): Promise<void> {
    this.#folded = 0;
    let held = 0;
    for (const window of this.#windows.values()) {
      if (window.freshBytes >= PIECE_BYTES) await this.#sendFresh(window);
      await this.#sendLarge(window);
      held += window.bytes;
    }
    if (held >= WINDOWS_BYTES) await this.#applyWindows();
    // A row that alone is too large to be kept beside others.
    if (held >= 2 * WINDOWS_BYTES) await this.#underWay;
    await nextTurn();
  }

  async #move({ table, before }: Change<'redacted'>, row: Staged): Promise<void> {
    const twin = this.#tableOf(table);
    await this.settle();
    await this.#apply.learn(twin);
    this.#begin();
    await this.#apply.move(twin, row, before!);
  }

  /** What was gathered for the table is void, and sent for nothing. */
  async #truncate(table: RedactedTable): Promise<void> {
    await this.#underWay;
    this.#begin();
    await this.#apply.sync();
    this.#windows.delete(table);
    try {
      await truncateGeneration(this.#client, this.#tableOf(table));
    } catch (error) {
      throw refusal(error, table.name);
    }
  }

  /** New rows come first: what happened to them later is among the staged. They may go ahead of those: no window holds them twice. */
  async #sendFresh(window: Window): Promise<void> {
    const fresh = window.takeFresh();
    if (!fresh) return;
    this.#begin();
    await this.#apply.copy(window.table, fresh.view());
    this.#pieces.give(fresh);
  }

  async #sendLarge(window: Window): Promise<void> {
    for (const row of window.takeLarge()) {
      this.#begin();
      await this.#apply.copyLarge(window.table, row);
    }
  }

  /** Starts to apply the windows when those before are done. Does not wait for it. */
  async #applyWindows(): Promise<void> {
    await this.#underWay;
    const windows = [...this.#windows.values()];
    for (const window of windows) {
      await this.#sendFresh(window);
      await this.#sendLarge(window);
    }
    const staged = windows.filter((window) => window.staged.size > 0);
    for (const { table } of staged) await this.#apply.learn(table);
    if (staged.length > 0) this.#begin();
    // All of it is sent here, before anything that comes later.
    this.#underWay = Promise.all(staged.map((window) => this.#bringIn(window))).then(() => {});
    this.#underWay.catch(() => {}); // Told to whoever waits for it.
    this.#windows = new Map();
  }

  async #bringIn(window: Window): Promise<void> {
    const repaired = await this.#apply.staged(window);
    if (repaired > 0) this.#observe({ type: 'repaired', table: window.table.source.name, rows: repaired });
  }

  /** What is sent behind it comes to nothing should it fail, and says so. */
  #begin(): void {
    if (this.#isOpen) return;
    this.#isOpen = true;
    this.#apply.run('BEGIN').catch(() => {});
  }

  #windowOf(table: RedactedTable): Window {
    let window = this.#windows.get(table);
    if (!window) {
      window = new Window(this.#tableOf(table), this.#pieces);
      this.#windows.set(table, window);
    }
    return window;
  }
}
