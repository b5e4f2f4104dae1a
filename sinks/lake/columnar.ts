import { DuckDBTimestampTZValue, type DuckDBValue, listValue, mapValue } from '@duckdb/node-api';
import { CELL_NULL, CELL_UNCHANGED, CellReader } from '../../src/core/tuple.ts';
import { unixMicros } from './calendar.ts';
import type { LakeColumn } from './lake-table.ts';
import type { Row, Rows } from './rows.ts';

/** Turns rows into columns, which Parquet wants: one pass over each row's bytes. */
export class Columnar {
  readonly #rows: Rows;
  readonly #reader = new CellReader();
  /** By the source's column; undefined for those that do not leave. */
  readonly #columns: (LakeColumn | undefined)[] = [];
  /** Where in `values` the cells of a column go. */
  readonly #places: number[] = [];

  constructor(rows: Rows) {
    this.#rows = rows;
    for (const [place, column] of rows.table.columns.entries()) {
      this.#columns[column.index] = column;
      this.#places[column.index] = place + 1; // behind the key
    }
  }

  /** The rows [from, to), an array per field. */
  values(from: number, to: number): DuckDBValue[][] {
    const values = this.#rows.table.fields.map(() => new Array<DuckDBValue>(to - from).fill(null));
    for (let index = from; index < to; index++) this.#put(values, index - from, this.#rows.at(index));
    return values;
  }

  #put(values: DuckDBValue[][], at: number, row: Row): void {
    const unchanged: string[] = [];
    const texts: { key: string; value: string }[] = [];
    if (row.image) this.#putCells(values, at, row, unchanged, texts);
    const { clsn, commitTime, xid } = row.transaction;
    values[0]![at] = row.key;
    // In the order of ADDED in lake-table.ts.
    const added = [
      row.op,
      clsn,
      BigInt(row.seq),
      new DuckDBTimestampTZValue(unixMicros(commitTime)),
      xid === null ? null : BigInt(xid),
      unchanged.length > 0 ? listValue(unchanged) : null,
      row.previousKey,
      texts.length > 0 ? mapValue(texts) : null,
    ];
    const behind = this.#rows.table.columns.length + 1;
    for (const [i, value] of added.entries()) values[behind + i]![at] = value;
  }

  #putCells(
    values: DuckDBValue[][],
    at: number,
    row: Row,
    unchanged: string[],
    texts: { key: string; value: string }[],
  ) {
    const cell = this.#reader;
    const count = cell.open(row.image!);
    for (let index = 0; index < count; index++) {
      cell.next();
      const column = this.#columns[index];
      if (!column || cell.kind === CELL_NULL) continue;
      if (cell.kind === CELL_UNCHANGED) {
        unchanged.push(column.name);
        continue;
      }
      const text = cell.bytes.toString('utf8', cell.start, cell.end);
      const value = column.type.convert ? column.type.convert(text) : text;
      if (value === undefined) texts.push({ key: column.name, value: text });
      else values[this.#places[index]!]![at] = value;
    }
  }
}
