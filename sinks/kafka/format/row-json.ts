import type { ByteWriter } from '../../../src/core/bytes.ts';
import { writeJsonText } from '../../../src/core/json-text.ts';
import type { RedactedTable } from '../../../src/core/table.ts';
import { CELL_NULL, CELL_UNCHANGED, type CellReader, type Tuple } from '../../../src/core/tuple.ts';
import { type ColumnJson, messageColumn } from './column-json.ts';
import { FilledCells } from './filled-cells.ts';

type Image = Tuple<'redacted'>;

const NULL = Buffer.from('null');
const TRUE = Buffer.from('true');
const FALSE = Buffer.from('false');
const LETTER_T = 0x74;
const MINUS = 0x2d;
const [NINE, ZERO] = [0x39, 0x30];

interface Field {
  readonly name: string;
  /** `"name":`, escaped. */
  readonly label: Buffer;
  readonly json: ColumnJson;
  readonly isKey: boolean;
}

export interface RowOptions {
  readonly int8: 'number' | 'string';
  /** What stands for a value that Postgres did not send; null: the field is left out. */
  readonly unavailable: string | null;
  /** Floats that JSON has no number for: in quotes, or null for readers that go by a schema. */
  readonly notFinite: 'text' | 'null';
}

/** Writes row images of one table as the fields of a JSON object, straight from their bytes. */
export class RowJson {
  /** By index into the table's columns; null for those that do not leave. */
  readonly #fields: readonly (Field | null)[];
  readonly #unavailable: Buffer | null;
  readonly #notFinite: RowOptions['notFinite'];
  readonly #cells = new FilledCells();
  /** Fields of the last image that were left out, or stand for a value that was not sent. */
  unchanged: string[] = [];

  constructor(table: RedactedTable, { int8, unavailable, notFinite }: RowOptions) {
    this.#fields = table.columns.map(({ name, type, withheld }, index) =>
      withheld
        ? null
        : {
            name,
            label: Buffer.from(`${JSON.stringify(name)}:`),
            json: messageColumn(type, int8).json,
            isKey: table.key.includes(index),
          },
    );
    this.#unavailable = unavailable === null ? null : Buffer.from(JSON.stringify(unavailable));
    this.#notFinite = notFinite;
  }

  /** Appends `"a":1,"b":"x",`: each field with a comma behind it. What was not sent comes from the older image, where that is a whole row. */
  write(out: ByteWriter, image: Image, older: Image | null): void {
    if (this.unchanged.length > 0) this.unchanged = [];
    this.#cells.open(image, older);
    for (const field of this.#fields) {
      const cell = this.#cells.next();
      if (field) this.#field(out, field, cell);
    }
  }

  /** The same of the key's columns; of an image that holds nothing else. With `nulls` the other fields are there, too. */
  writeKey(out: ByteWriter, image: Image, nulls: boolean): void {
    this.#cells.open(image, null);
    for (const field of this.#fields) {
      const cell = this.#cells.next();
      if (field?.isKey) this.#field(out, field, cell);
      else if (field && nulls) put(out, field, NULL);
    }
  }

  #field(out: ByteWriter, field: Field, cell: CellReader): void {
    if (cell.kind === CELL_NULL) put(out, field, NULL);
    else if (cell.kind === CELL_UNCHANGED) {
      this.unchanged.push(field.name);
      if (this.#unavailable) put(out, field, this.#unavailable);
    } else {
      out.append(field.label);
      this.#value(out, field.json, cell);
      out.byte(COMMA);
    }
  }

  #value(out: ByteWriter, json: ColumnJson, { bytes, start, end }: CellReader): void {
    if (json === 'text') writeJsonText(out, bytes, start, end);
    else if (json === 'boolean') out.append(bytes[start] === LETTER_T ? TRUE : FALSE);
    else if (isNumber(bytes, start)) out.copy(bytes, start, end);
    else if (this.#notFinite === 'text') writeJsonText(out, bytes, start, end);
    else out.append(NULL);
  }
}

const COMMA = 0x2c;

function put(out: ByteWriter, { label }: Field, value: Buffer): void {
  out.append(label);
  out.append(value);
  out.byte(COMMA);
}

/** `NaN`, `Infinity` and `-Infinity` are the only texts of a number that have letters in the beginning. */
function isNumber(bytes: Buffer, start: number): boolean {
  const first = bytes[bytes[start] === MINUS ? start + 1 : start]!;
  return first >= ZERO && first <= NINE;
}
