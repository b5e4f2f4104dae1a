import type { ByteWriter } from '../../src/core/bytes.ts';
import type { RedactedTable } from '../../src/core/table.ts';
import { CELL_NULL, CELL_TEXT, CELL_UNCHANGED, CellReader, type Tuple } from '../../src/core/tuple.ts';
import { writeField } from '../../src/postgres/copy-text.ts';
import { isPlain } from './column-type.ts';
import { KeyText } from './key.ts';
import { rowMissing } from './refusal.ts';

const TAB = 0x09;
const NEWLINE = 0x0a;
const BACKSLASH = 0x5c;
const LETTER_N = 0x4e;

/** The old image that comes with an update; see Change.before. */
export interface Before {
  readonly before: Tuple<'redacted'> | null;
  readonly beforeIs: 'key' | 'row';
}

const NOTHING_BEFORE: Before = { before: null, beforeIs: 'key' };

/** Turns tuples of one table into lines of COPY's text format: the columns in their order, then `source_primary_key`. */
export class RowEncoder {
  /** The columns of the last line that the source did not send, because they are unchanged; the line says NULL there. */
  unchanged: readonly number[] = [];
  /** The key of the last line. */
  readonly key: KeyText;
  readonly #cells = new CellReader();
  readonly #old = new CellReader();
  readonly #plain: readonly boolean[];
  /** By column: its place in the key, or -1. */
  readonly #keyPlace: readonly number[];
  readonly #keyIsPlain: boolean;
  readonly #table: string;

  constructor(table: RedactedTable, keyByValue: boolean) {
    this.#table = table.name;
    this.key = new KeyText(table, keyByValue);
    this.#plain = table.columns.map(isPlain);
    this.#keyPlace = table.columns.map((_, index) => table.key.indexOf(index));
    this.#keyIsPlain = table.key.length === 1 && this.#plain[table.key[0]!]!;
  }

  /**
   * Appends one line. An unchanged cell is taken from the old image where that holds it: the whole row under REPLICA IDENTITY
   * FULL, the key's columns otherwise.
   */
  append(out: ByteWriter, row: Tuple<'redacted'>, old: Before = NOTHING_BEFORE): void {
    const cells = this.#cells;
    const count = cells.open(row);
    if (this.unchanged.length > 0) this.unchanged = [];
    for (let column = 0; column < count; column++) {
      cells.next();
      const cell = cells.kind === CELL_UNCHANGED ? this.#lookUp(column, old) : cells;
      this.#writeCell(out, cell, this.#plain[column]!);
      out.byte(TAB);
      const place = this.#keyPlace[column]!;
      if (place >= 0) this.key.set(place, cell.bytes, cell.start, cell.end);
    }
    this.key.compose();
    this.#writeText(out, this.key.bytes, this.key.start, this.key.end, this.#keyIsPlain);
    out.byte(NEWLINE);
  }

  #writeCell(out: ByteWriter, cell: CellReader, plain: boolean): void {
    if (cell.kind === CELL_TEXT) {
      this.#writeText(out, cell.bytes, cell.start, cell.end, plain);
    } else {
      out.byte(BACKSLASH);
      out.byte(LETTER_N);
    }
  }

  #writeText(out: ByteWriter, bytes: Buffer, start: number, end: number, plain: boolean): void {
    if (plain) out.copy(bytes, start, end);
    else writeField(out, bytes, start, end);
  }

  /** The cell of the old image, or one that stays unchanged and is noted as such. */
  #lookUp(column: number, { before, beforeIs }: Before): CellReader {
    const old = this.#old;
    if (before && (beforeIs === 'row' || this.#keyPlace[column]! >= 0)) {
      old.open(before);
      for (let i = 0; i <= column; i++) old.next();
      if (old.kind !== CELL_UNCHANGED) return old;
    }
    if (this.#keyPlace[column]! >= 0) throw rowMissing(this.#table);
    this.unchanged = [...this.unchanged, column];
    old.kind = CELL_NULL;
    return old;
  }
}
