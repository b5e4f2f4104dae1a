import type { Change } from '../../../src/core/batch.ts';
import type { ByteWriter } from '../../../src/core/bytes.ts';
import { KeyText } from '../../../src/core/key-text.ts';
import { CELL_UNCHANGED, CellReader, type Tuple } from '../../../src/core/tuple.ts';
import { keyCollision, rowMissing } from '../refusal.ts';
import type { TwinTable } from '../twin-table.ts';
import { RowEncoder } from './encode.ts';
import { Images } from './images.ts';
import { isLarge } from './large-row.ts';
import type { Pieces } from './pieces.ts';

type RedactedChange = Change<'redacted'>;

/** The last state of a row, and the columns for which the twin alone has the value. */
export interface Staged {
  readonly image: Tuple<'redacted'>;
  readonly unchanged: readonly number[];
}

/** The row is gone. Whatever comes under its key is a new one. */
const GONE = null;

/** What a staged row costs in memory beside its bytes. */
const STAGED_BYTES = 64;

const NONE: readonly number[] = [];

/**
 * Changes of one table, gathered to be applied together: new rows first, then what happened to all other keys, each in its last
 * state only. A row inserted and then touched within the window is in both. Nothing here is of use after the window was applied.
 */
export class Window {
  readonly table: TwinTable;
  readonly #pieces: Pieces;
  #fresh: ByteWriter | null = null;
  #large: Tuple<'redacted'>[] = [];
  #stagedBytes = 0;
  /** By key: its last state, or null where the row is gone. */
  readonly staged = new Map<string, Staged | typeof GONE>();
  readonly #images = new Images();
  readonly #encoder: RowEncoder;
  readonly #key: KeyText;
  readonly #columns: ReadonlySet<number>;
  readonly #keyColumns: ReadonlySet<number>;

  constructor(table: TwinTable, pieces: Pieces) {
    this.table = table;
    this.#pieces = pieces;
    this.#encoder = new RowEncoder(table.source, table.keyByValue);
    this.#key = new KeyText(table.source, table.keyByValue);
    this.#columns = new Set(table.source.columns.keys());
    this.#keyColumns = new Set(table.source.key);
  }

  /**
   * Takes in an insert, update or delete. Returns null, except for what cannot be folded: a row that moves to another key while a
   * part of it is in the twin alone. Throws `key_collision` for a key that is there already, `row_missing` for a row that is not.
   */
  take(change: RedactedChange): Staged | null {
    if (change.op === 'update') return this.#update(change);
    if (change.op === 'insert') this.#insert(change.after!);
    else this.#remove(this.#identify(change.before!));
    return null;
  }

  /** Size in memory. */
  get bytes(): number {
    return this.freshBytes + this.#stagedBytes;
  }

  get freshBytes(): number {
    return this.#fresh?.length ?? 0;
  }

  /** Hands over lines of COPY text, the rows under keys that the window has not met; null where there are none. */
  takeFresh(): ByteWriter | null {
    const fresh = this.#fresh;
    this.#fresh = null;
    return fresh?.length ? fresh : null;
  }

  /** Likewise, such rows that are too large to be encoded here. */
  takeLarge(): readonly Tuple<'redacted'>[] {
    const large = this.#large;
    this.#large = [];
    return large;
  }

  #insert(row: Tuple<'redacted'>): void {
    if (isLarge(row)) this.#insertLarge(row);
    else this.#insertLine(row);
  }

  #insertLine(row: Tuple<'redacted'>): void {
    this.#fresh ??= this.#pieces.take();
    const start = this.#fresh.length;
    this.#encoder.append(this.#fresh, row);
    if (this.staged.size === 0) return;
    const key = this.#encoder.key.identity;
    if (!this.staged.has(key)) return;
    this.#fresh.length = start;
    this.#revive(key, row);
  }

  #insertLarge(row: Tuple<'redacted'>): void {
    const key = this.#identify(row);
    if (this.staged.has(key)) this.#revive(key, row);
    else this.#large.push(row);
  }

  #revive(key: string, row: Tuple<'redacted'>): void {
    if (this.staged.get(key) !== GONE) throw keyCollision(this.#name);
    this.#stage(key, { image: row, unchanged: NONE });
  }

  #remove(key: string): void {
    this.#stagedBytes += key.length + STAGED_BYTES;
    this.staged.set(key, GONE);
  }

  /** An image outlives its batch here. */
  #stage(key: string, { image, unchanged }: Staged): void {
    this.#stagedBytes += image.end - image.start + STAGED_BYTES;
    this.staged.set(key, { image: this.#images.keep(image), unchanged });
  }

  #update(change: RedactedChange): Staged | null {
    const { before, after } = change;
    const isPartial = this.#key.read(after!, before);
    if (!this.#key.isKnown) throw rowMissing(this.#name);
    const key = this.#key.identity;
    const oldKey = before ? this.#identify(before) : key;
    const row = isPartial ? this.#complete(change, oldKey) : { image: after!, unchanged: NONE };
    if (oldKey === key) {
      this.#stage(key, row);
      return null;
    }
    if (row.unchanged.length > 0) return row;
    this.#remove(oldKey);
    this.#insert(row.image);
    return null;
  }

  /** What was not sent, as far as the old image or the state before has it. */
  #complete({ before, beforeIs, after }: RedactedChange, oldKey: string): Staged {
    let image = after!;
    if (before) image = this.#images.complete(image, before, beforeIs === 'row' ? this.#columns : this.#keyColumns);
    const earlier = this.staged.get(oldKey);
    if (earlier) image = this.#images.complete(image, earlier.image, this.#columns);
    const unchanged = unchangedIn(image);
    if (earlier === GONE && unchanged.length > 0) throw rowMissing(this.#name);
    return { image, unchanged };
  }

  #identify(image: Tuple<'redacted'>): string {
    this.#key.read(image);
    return this.#key.identity;
  }

  get #name(): string {
    return this.table.source.name;
  }
}

function unchangedIn(image: Tuple<'redacted'>): readonly number[] {
  const unchanged: number[] = [];
  const cells = new CellReader();
  const count = cells.open(image);
  for (let column = 0; column < count; column++) {
    cells.next();
    if (cells.kind === CELL_UNCHANGED) unchanged.push(column);
  }
  return unchanged;
}
