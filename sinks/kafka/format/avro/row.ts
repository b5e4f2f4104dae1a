import type { ByteWriter } from '../../../../src/core/bytes.ts';
import type { RedactedTable } from '../../../../src/core/table.ts';
import { CELL_NULL, CELL_UNCHANGED, type CellReader, type Tuple } from '../../../../src/core/tuple.ts';
import { type ConnectType, messageColumn } from '../column-json.ts';
import { FilledCells } from '../filled-cells.ts';
import {
  writeBoolean,
  writeDouble,
  writeFloat,
  writeInteger,
  writeNull,
  writePresent,
  writeString,
  writeText,
} from './binary.ts';

type Image = Tuple<'redacted'>;

interface Field {
  readonly name: string;
  readonly type: ConnectType;
  readonly isKey: boolean;
}

/** By type, what writes the value whose text it is given. */
const WRITERS: Readonly<Record<ConnectType, (out: ByteWriter, bytes: Buffer, start: number, end: number) => void>> = {
  int16: writeInteger,
  int32: writeInteger,
  int64: writeInteger,
  float: writeFloat,
  double: writeDouble,
  boolean: writeBoolean,
  string: writeString,
};

/** Writes row images of one table as the fields of an Avro record, straight from their bytes. */
export class AvroRow {
  /** By index into the table's columns; null for those that do not leave. */
  readonly #fields: readonly (Field | null)[];
  readonly #unavailable: string | null;
  readonly #cells = new FilledCells();
  /** Fields of the last image that are null, or stand for a value, because it was not sent. */
  unchanged: string[] = [];

  /** `unavailable`: what stands for a value that Postgres did not send, which only ever is a string; null: null does. */
  constructor(table: RedactedTable, int8: 'number' | 'string', unavailable: string | null) {
    this.#fields = table.columns.map(({ name, type, withheld }, index) =>
      withheld ? null : { name, type: messageColumn(type, int8).connect, isKey: table.key.includes(index) },
    );
    this.#unavailable = unavailable;
  }

  /** What was not sent comes from the older image, where that is a whole row. */
  write(out: ByteWriter, image: Image, older: Image | null): void {
    if (this.unchanged.length > 0) this.unchanged = [];
    this.#cells.open(image, older);
    for (const field of this.#fields) {
      const cell = this.#cells.next();
      if (field) this.#field(out, field, cell);
    }
  }

  /** Of an image that holds the key alone: the other fields are null. */
  writeKey(out: ByteWriter, image: Image): void {
    if (this.unchanged.length > 0) this.unchanged = [];
    this.#cells.open(image, null);
    for (const field of this.#fields) {
      const cell = this.#cells.next();
      if (field?.isKey) this.#field(out, field, cell);
      else if (field) writeNull(out);
    }
  }

  #field(out: ByteWriter, { name, type }: Field, cell: CellReader): void {
    if (cell.kind === CELL_NULL) writeNull(out);
    else if (cell.kind === CELL_UNCHANGED) this.#notSent(out, name);
    else {
      writePresent(out);
      WRITERS[type](out, cell.bytes, cell.start, cell.end);
    }
  }

  #notSent(out: ByteWriter, name: string): void {
    this.unchanged.push(name);
    if (this.#unavailable === null) writeNull(out);
    else {
      writePresent(out);
      writeText(out, this.#unavailable);
    }
  }
}
