import type { DuckDBDataChunk } from '@duckdb/node-api';
import duckdb from '@duckdb/node-bindings';
import { CELL_NULL, CELL_UNCHANGED, CellReader } from '../../../src/core/tuple.ts';
import { Heap } from '../columns/heap.ts';
import type { LakeColumn } from '../columns/lake-table.ts';
import { TextVector } from '../columns/text-vector.ts';
import type { ColumnVector, FilledVector } from '../columns/vector.ts';
import { AddedColumns } from './added-columns.ts';
import { NONE, type Rows, type Run } from './rows.ts';

/** A column of the source, and what its values go into. */
interface Target {
  readonly column: LakeColumn;
  readonly vector: ColumnVector;
}

/** Turns rows into columns, which Parquet wants: one pass over each row's bytes, straight into memory as DuckDB has it. */
export class Columnar {
  readonly #runs: Iterator<Run>;
  readonly #length: number;
  readonly #heap = new Heap();
  readonly #key = new TextVector(this.#heap);
  /** By the source's column; undefined for those that do not leave. */
  readonly #targets: (Target | undefined)[] = [];
  readonly #added: AddedColumns;
  /** In the order of the table's fields. */
  readonly #vectors: readonly FilledVector[];
  readonly #reader = new CellReader();

  constructor(rows: Rows) {
    this.#runs = rows.take()[Symbol.iterator]();
    this.#length = rows.length;
    const { columns } = rows.table;
    const targets = columns.map((column) => ({ column, vector: column.type.vector(this.#heap) }));
    for (const target of targets) this.#targets[target.column.index] = target;
    this.#added = new AddedColumns(this.#heap);
    this.#vectors = [this.#key, ...targets.map(({ vector }) => vector), ...this.#added.vectors];
  }

  /** Fills a chunk with the next rows, which are forgotten here; with none, and false, when there are no more. */
  fill(chunk: DuckDBDataChunk): boolean {
    const { value: run } = this.#runs.next();
    duckdb.data_chunk_set_size(chunk.chunk, run ? run.length : 0);
    if (!run) return false;
    const { length, memory } = run;
    this.#heap.open(memory);
    this.#added.open(run, memory);
    for (let at = 0; at < length; at++) this.#put(at, run, memory);
    this.#heap.moveTo(duckdb.data_chunk_get_vector(chunk.chunk, 0));
    for (const [i, vector] of this.#vectors.entries()) {
      vector.moveTo(duckdb.data_chunk_get_vector(chunk.chunk, i + 1), length);
    }
    run.release();
    return true;
  }

  /** By field, how many rows had no value. */
  nulls(): number[] {
    return this.#vectors.map(({ values }) => this.#length - values.count);
  }

  #put(at: number, run: Run, memory: Buffer): void {
    const [start, end, keyEnd] = [run.starts[at]!, run.imageEnds[at]!, run.keyEnds[at]!];
    if (keyEnd !== NONE) this.#key.put(at, memory, end, keyEnd);
    this.#added.put(at);
    if (end > start) this.#putCells(at, memory, start, end);
  }

  #putCells(at: number, bytes: Buffer, start: number, end: number): void {
    const unchanged: string[] = [];
    const texts: [string, string][] = [];
    const cell = this.#reader;
    const count = cell.open({ bytes, start, end });
    for (let index = 0; index < count; index++) {
      cell.next();
      const target = this.#targets[index];
      if (!target || cell.kind === CELL_NULL) continue;
      const { name } = target.column;
      if (cell.kind === CELL_UNCHANGED) unchanged.push(name);
      else if (!target.vector.put(at, bytes, cell.start, cell.end)) {
        texts.push([name, bytes.toString('utf8', cell.start, cell.end)]);
      }
    }
    if (unchanged.length > 0) this.#added.putUnchanged(at, unchanged);
    if (texts.length > 0) this.#added.putTexts(at, texts);
  }
}
