import { ByteWriter } from './bytes.ts';
import { writeJsonText } from './json-text.ts';
import type { RedactedTable } from './table.ts';
import { CELL_UNCHANGED, CellReader, type Tuple } from './tuple.ts';

const COMMA = 0x2c;

const UNKNOWN = -1;

/**
 * The text of `source_primary_key`, built from the key's cells: the value itself for one column, and for several the JSON array
 * of their texts in the index's column order, without spaces (`["1","x"]`).
 */
export class KeyText {
  /** The text is `bytes[start, end)` after `compose`. */
  bytes: Buffer = Buffer.alloc(0);
  start = 0;
  end = 0;
  readonly #columns: readonly number[];
  /** Behind the last of them. */
  readonly #end: number;
  readonly #cells: { bytes: Buffer; start: number; end: number }[];
  readonly #json = new ByteWriter(256);
  readonly #reader = new CellReader();
  readonly #byValue: boolean;

  /** `byValue`: the keys are numeric, equal by value whatever their text. */
  constructor(table: RedactedTable, byValue: boolean) {
    this.#columns = table.key;
    this.#end = Math.max(...table.key) + 1;
    this.#cells = table.key.map(() => ({ bytes: this.bytes, start: 0, end: 0 }));
    this.#byValue = byValue;
  }

  /** Takes the cell of one key column; `position` counts in the index's order. */
  set(position: number, bytes: Buffer, start: number, end: number): void {
    const cell = this.#cells[position]!;
    cell.bytes = bytes;
    cell.start = start;
    cell.end = end;
  }

  compose(): void {
    const first = this.#cells[0]!;
    if (this.#cells.length === 1) {
      this.bytes = first.bytes;
      this.start = first.start;
      this.end = first.end;
      return;
    }
    const json = this.#json;
    json.clear();
    json.text('[');
    for (const cell of this.#cells) {
      if (cell !== first) json.byte(COMMA);
      writeJsonText(json, cell.bytes, cell.start, cell.end);
    }
    json.text(']');
    this.bytes = json.bytes;
    this.start = 0;
    this.end = json.length;
  }

  /**
   * Takes the key from a row image, or from one that holds the key alone. Parts of it that are unchanged come from the older image.
   * Returns whether any cell of the image, in the key or not, is unchanged.
   */
  read(image: Tuple<'redacted'>, older: Tuple<'redacted'> | null = null): boolean {
    for (const cell of this.#cells) cell.end = UNKNOWN;
    if (older) this.#scan(older, this.#end);
    const isPartial = this.#scan(image, Number.POSITIVE_INFINITY);
    this.compose();
    return isPartial;
  }

  /** The same for whoever wants the key alone: the cells behind it are not looked at. */
  find(image: Tuple<'redacted'>, older: Tuple<'redacted'> | null = null): void {
    for (const cell of this.#cells) cell.end = UNKNOWN;
    if (older) this.#scan(older, this.#end);
    this.#scan(image, this.#end);
    this.compose();
  }

  /** False where no image that was read has all of the key. */
  get isKnown(): boolean {
    return this.#cells.every(({ end }) => end !== UNKNOWN);
  }

  /** What two keys have in common exactly when the twin holds them equal: one character per byte, to be undone by `bytesOf`. */
  get identity(): string {
    return keyIdentity(this.bytes, this.start, this.end, this.#byValue);
  }

  toString(): string {
    return this.bytes.toString('utf8', this.start, this.end);
  }

  #scan(image: Tuple<'redacted'>, end: number): boolean {
    const cell = this.#reader;
    const count = Math.min(cell.open(image), end);
    let isPartial = false;
    for (let column = 0; column < count; column++) {
      cell.next();
      if (cell.kind === CELL_UNCHANGED) {
        isPartial = true;
        continue;
      }
      const position = this.#columns.indexOf(column);
      if (position >= 0) this.set(position, cell.bytes, cell.start, cell.end);
    }
    return isPartial;
  }
}

/** Of a key whose text is `bytes[start, end)`: see KeyText. */
export function keyIdentity(bytes: Buffer, start: number, end: number, byValue: boolean): string {
  const text = bytes.toString('latin1', start, end);
  return byValue ? canonicalNumeric(text) : text;
}

/** A key's identity as the bytes that Postgres reads. */
export function bytesOf(identity: string): Buffer {
  return Buffer.from(identity, 'latin1');
}

/** Postgres writes a numeric with as many trailing zeros as its scale has, and never with an exponent. */
function canonicalNumeric(text: string): string {
  return text.includes('.') ? text.replace(/\.?0+$/, '') : text;
}
