import type { Change } from '../../src/core/batch.ts';
import { ByteWriter } from '../../src/core/bytes.ts';
import { RowEncoder } from './encode.ts';
import { KeyText } from './key.ts';
import { mergeLines } from './merge.ts';
import { keyCollision, rowMissing } from './refusal.ts';
import type { TwinTable } from './twin-table.ts';

type RedactedChange = Change<'redacted'>;

/** The last state of a row: its line in `Window.images`, and the columns for which the row in the twin has the value. */
export interface Image {
  readonly start: number;
  readonly end: number;
  readonly unchanged: readonly number[];
}

/** The row is gone. Whatever comes under its key is a new one. */
const GONE = null;

/** What a window starts with: a pipeline may have a thousand tables, and most of them are quiet. */
const FIRST_BYTES = 4096;

/**
 * Changes of one table, gathered to be applied together: new rows first, then what happened to all other keys, each in its last
 * state only. A row inserted and then touched within the window is in both. Nothing here is of use after the window was applied.
 */
export class Window {
  readonly table: TwinTable;
  /** Lines of COPY text: rows under keys that the window has not met. */
  readonly fresh = new ByteWriter(FIRST_BYTES);
  /** By key: its line in `images`, or null where the row is gone. */
  readonly staged = new Map<string, Image | typeof GONE>();
  readonly images = new ByteWriter(FIRST_BYTES);
  readonly #encoder: RowEncoder;
  readonly #oldKey: KeyText;

  constructor(table: TwinTable) {
    this.table = table;
    this.#encoder = new RowEncoder(table.source, table.keyByValue);
    this.#oldKey = new KeyText(table.source, table.keyByValue);
  }

  /**
   * Takes in an insert, update or delete. False for the one that cannot be folded: a row that moves to another key while a part of
   * it is in the twin alone. Throws `key_collision` for a key that is there already, `row_missing` for a row that is not.
   */
  take(change: RedactedChange): boolean {
    if (change.op === 'insert') this.#insert(change);
    else if (change.op === 'update') return this.#update(change);
    else this.#delete(change);
    return true;
  }

  #insert(change: RedactedChange): void {
    const start = this.fresh.length;
    this.#encoder.append(this.fresh, change.after!);
    if (this.staged.size > 0 && this.staged.has(this.#encoder.key.identity)) {
      const line = this.fresh.bytes.subarray(start, this.fresh.length);
      this.fresh.length = start;
      this.#putBack(this.#encoder.key.identity, line);
    }
  }

  #update(change: RedactedChange): boolean {
    const start = this.images.length;
    this.#encoder.append(this.images, change.after!, change);
    const key = this.#encoder.key.identity;
    const oldKey = change.before ? this.#readOldKey(change) : key;
    const image = this.#completed(oldKey, { start, end: this.images.length, unchanged: this.#encoder.unchanged });
    if (oldKey === key) {
      this.staged.set(key, image);
      return true;
    }
    if (image.unchanged.length > 0) {
      this.images.length = start;
      return false;
    }
    this.#move(oldKey, key, image);
    return true;
  }

  #delete(change: RedactedChange): void {
    this.staged.set(this.#readOldKey(change), GONE);
  }

  #move(oldKey: string, key: string, image: Image): void {
    this.staged.set(oldKey, GONE);
    const line = this.images.bytes.subarray(image.start, image.end);
    if (this.staged.has(key)) this.#putBack(key, line);
    else this.fresh.copy(line, 0, line.length);
  }

  /** A row under a key that the window has met: right only where the one before is gone. */
  #putBack(key: string, line: Buffer): void {
    if (this.staged.get(key) !== GONE) throw keyCollision(this.#name);
    const start = this.images.length;
    this.images.copy(line, 0, line.length);
    this.staged.set(key, { start, end: this.images.length, unchanged: [] });
  }

  /** Fills unchanged cells from the image before, as far as that has them. */
  #completed(key: string, image: Image): Image {
    if (image.unchanged.length === 0) return image;
    const earlier = this.staged.get(key);
    if (earlier === undefined) return image;
    if (earlier === GONE) throw rowMissing(this.#name);
    const start = this.images.length;
    const unchanged = mergeLines(this.images, image, earlier);
    return { start, end: this.images.length, unchanged };
  }

  #readOldKey(change: RedactedChange): string {
    this.#oldKey.read(change.before!);
    return this.#oldKey.identity;
  }

  get #name(): string {
    return this.table.source.name;
  }
}
