import type { ByteWriter } from '../../../src/core/bytes.ts';
import { KeyText } from '../../../src/core/key-text.ts';
import type { RedactedTable } from '../../../src/core/table.ts';
import { CELL_TEXT, CellReader, type Tuple } from '../../../src/core/tuple.ts';
import { BACKSLASH, NEWLINE, TAB, writeField } from '../../../src/postgres/copy-text.ts';
import { isPlain } from '../column-type.ts';

const LETTER_N = 0x4e;

/** Turns whole rows of one table into lines of COPY's text format: the columns in their order, then `source_primary_key`. */
export class RowEncoder {
  /** The key of the last line. */
  readonly key: KeyText;
  readonly #cells = new CellReader();
  readonly #plain: readonly boolean[];
  /** By column: its place in the key, or -1. */
  readonly #keyPlace: readonly number[];
  readonly #keyIsPlain: boolean;

  constructor(table: RedactedTable, keyByValue: boolean) {
    this.key = new KeyText(table, keyByValue);
    this.#plain = table.columns.map(isPlain);
    this.#keyPlace = table.columns.map((_, index) => table.key.indexOf(index));
    this.#keyIsPlain = table.key.length === 1 && this.#plain[table.key[0]!]!;
  }

  append(out: ByteWriter, row: Tuple<'redacted'>): void {
    const cells = this.#cells;
    const count = cells.open(row);
    for (let column = 0; column < count; column++) {
      cells.next();
      if (cells.kind === CELL_TEXT) {
        this.#writeText(out, cells.bytes, cells.start, cells.end, this.#plain[column]!);
      } else {
        out.byte(BACKSLASH);
        out.byte(LETTER_N);
      }
      out.byte(TAB);
      const place = this.#keyPlace[column]!;
      if (place >= 0) this.key.set(place, cells.bytes, cells.start, cells.end);
    }
    this.key.compose();
    this.#writeText(out, this.key.bytes, this.key.start, this.key.end, this.#keyIsPlain);
    out.byte(NEWLINE);
  }

  #writeText(out: ByteWriter, bytes: Buffer, start: number, end: number, plain: boolean): void {
    if (plain) out.copy(bytes, start, end);
    else writeField(out, bytes, start, end);
  }
}
