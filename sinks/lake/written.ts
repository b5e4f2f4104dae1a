import type { Change } from '../../src/core/batch.ts';
import type { TableEntry } from '../../src/core/checkpoint.ts';
import type { RedactedTable } from '../../src/core/table.ts';
import { type LakeTable, lakeTable, type Timestamps } from './columns/lake-table.ts';
import { Copy } from './copy.ts';
import { Gathering } from './gathering.ts';
import { ChangeRows } from './parquet/change-rows.ts';
import type { Row } from './parquet/rows.ts';
import { TableWriter } from './table-writer.ts';
import type { Yard } from './yard.ts';

/**
 * Beyond this the largest part of what is in memory becomes a file, whatever its table's size is. With two such parts on their way to a
 * file, one in a commit, what DuckDB has of them, and V8's own, it makes less than 400 MB (docs/decisions/0013).
 */
const MEMORY_BYTES = 10 * 1024 * 1024;
/** Parts on their way to a file. */
const MOST_MAKING = 2;
/** Parts on their way to the storage: all that may lie on this machine's disk. */
const MOST_STORING = 4;

/** What one flush makes durable. */
export interface Cut {
  /** Rows of the present generations. */
  readonly gatherings: readonly Gathering[];
  /** Generations that take the place of the present ones. */
  readonly copies: readonly Copy[];
  readonly entries: Map<string, TableEntry>;
}

/** Where the changes of a table go. */
interface Target {
  readonly source: RedactedTable;
  add(row: Row): void;
}

/** What was written since the last flush, and the copies that are under way. */
export class Written {
  readonly #pipeline: string;
  readonly #yard: Yard;
  readonly #timestamps: Timestamps;
  readonly #rows = new ChangeRows();
  readonly #tables = new WeakMap<RedactedTable, LakeTable>();
  /** By the table's folder: opened when its first row comes, so that a table at rest costs nothing. */
  readonly #writers = new Map<string, Promise<TableWriter>>();
  /** By definition: files of two definitions of a table have different columns. */
  #gatherings = new Map<LakeTable, Gathering>();
  /** By table name. */
  readonly #copies = new Map<string, Copy>();
  #finished = new Set<Copy>();
  #entries = new Map<string, TableEntry>();
  /** Of parts that became files before their time, in their order. */
  readonly #making: Promise<void>[] = [];
  readonly #storing: Promise<void>[] = [];

  constructor(pipeline: string, yard: Yard, timestamps: Timestamps) {
    this.#pipeline = pipeline;
    this.#yard = yard;
    this.#timestamps = timestamps;
  }

  copyOf(table: string): Copy | undefined {
    return this.#copies.get(table);
  }

  async startCopy(table: RedactedTable): Promise<void> {
    await this.stopCopy(table.name);
    const shown = lakeTable(table, this.#timestamps);
    this.#tables.set(table, shown);
    const writer = await this.writer(shown); // before anything is copied: the place may be taken
    writer.renew();
    this.#copies.set(table.name, new Copy(shown, this.#yard));
  }

  async stopCopy(table: string): Promise<void> {
    const copy = this.#copies.get(table);
    if (!copy) return;
    this.#copies.delete(table);
    this.#finished.delete(copy);
    await copy.discard();
  }

  finishCopy(table: string): void {
    const copy = this.#copies.get(table);
    if (copy) this.#finished.add(copy);
  }

  setEntry(table: string, entry: TableEntry | null): void {
    if (entry) this.#entries.set(table, entry);
    else this.#entries.delete(table);
  }

  read(table: RedactedTable, chunk: number, reads: readonly Change<'redacted'>[]): void {
    const copy = this.#copies.get(table.name);
    if (!copy) return; // it was stopped
    for (const change of reads) for (const row of this.#rows.of(change)) copy.read(chunk, row);
  }

  async write(changes: readonly Change<'redacted'>[]): Promise<void> {
    let target: Target | null = null;
    for (const change of changes) {
      if (target?.source !== change.table) target = await this.#targetOf(change.table);
      // A row that the table holds already is counted, too: those behind it in its transaction get the numbers that they had before.
      for (const row of this.#rows.of(change)) target.add(row);
    }
  }

  /** Keeps what is in memory, and on this machine's disk, within its bound. Files are made and stored beside whoever writes on. */
  async relieve(): Promise<void> {
    for (;;) {
      if (this.#bytes() <= MEMORY_BYTES) return;
      if (this.#making.length === MOST_MAKING) await this.#making.shift();
      if (this.#storing.length === MOST_STORING) await this.#storing.shift();
      const all = [...this.#all()];
      if (all.length === 0) return; // a flush took them meanwhile
      const { made, stored } = all.reduce((largest, one) => (one.bytes > largest.bytes ? one : largest)).spill();
      this.#making.push(made);
      this.#storing.push(stored);
    }
  }

  #bytes(): number {
    let bytes = 0;
    for (const gathering of this.#all()) bytes += gathering.bytes;
    return bytes;
  }

  *#all(): Iterable<Gathering> {
    yield* this.#gatherings.values();
    for (const copy of this.#copies.values()) yield* copy.gatherings();
  }

  /** Takes all that is to be made durable now; what is written from here on belongs to the next flush. */
  cut(): Cut {
    const cut = { gatherings: [...this.#gatherings.values()], copies: [...this.#finished], entries: this.#entries };
    this.#gatherings = new Map();
    this.#finished = new Set();
    this.#entries = new Map();
    for (const { table } of cut.copies) this.#copies.delete(table.source.name);
    return cut;
  }

  /** Whoever commits to this table. */
  async writer(table: LakeTable): Promise<TableWriter> {
    let opening = this.#writers.get(table.path);
    if (!opening) {
      opening = TableWriter.open(this.#pipeline, table, this.#yard);
      this.#writers.set(table.path, opening);
    }
    return await opening;
  }

  async #targetOf(source: RedactedTable): Promise<Target> {
    const copy = this.#copies.get(source.name);
    if (copy && copy.table.source.generation === source.generation) return { source, add: (row) => copy.change(row) };
    const table = await this.#tableOf(source);
    const writer = await this.writer(table);
    let gathering = this.#gatherings.get(table);
    if (!gathering) {
      gathering = new Gathering(table, this.#yard);
      this.#gatherings.set(table, gathering);
    }
    const add = (row: Row) => {
      if (!writer.holds(row.transaction.clsn)) gathering.add(row);
    };
    return { source, add };
  }

  /** As its generation was made: what the configuration says of timestamps since then is for the next one. */
  async #tableOf(source: RedactedTable): Promise<LakeTable> {
    let table = this.#tables.get(source);
    if (!table) {
      const wanted = lakeTable(source, this.#timestamps);
      const { timestamps } = await this.writer(wanted);
      table = lakeTable(source, timestamps ?? this.#timestamps);
      this.#tables.set(source, table);
    }
    return table;
  }
}
