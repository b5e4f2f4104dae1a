import type { Change } from '../../src/core/batch.ts';
import type { TableEntry } from '../../src/core/checkpoint.ts';
import type { RedactedTable } from '../../src/core/table.ts';
import { ChangeRows } from './change-rows.ts';
import { Copy } from './copy.ts';
import { Gathering, type Yard } from './gathering.ts';
import { type LakeTable, lakeTable, type Timestamps } from './lake-table.ts';
import { TableWriter } from './table-writer.ts';

/** Beyond this the largest part of what is in memory becomes a file, whatever its table's size is. */
const MEMORY_BYTES = 32 * 1024 * 1024;

/** What one flush makes durable. */
export interface Cut {
  /** Rows of the present generations. */
  readonly gatherings: readonly Gathering[];
  /** Generations that take the place of the present ones. */
  readonly copies: readonly Copy[];
  readonly entries: Map<string, TableEntry>;
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
    for (const change of changes) {
      const copy = this.#copies.get(change.table.name);
      const rows = this.#rows.of(change);
      if (copy && copy.table.source.generation === change.table.generation) {
        for (const row of rows) copy.change(row);
        continue;
      }
      const gathering = this.#gatheringOf(change.table) ?? (await this.#openGathering(change.table));
      const writer = this.#opened.get(gathering.table.path)!;
      // Counted all the same: what comes behind it in its transaction has the same number as before.
      for (const row of rows) if (!writer.holds(change.transaction.clsn)) gathering.add(row);
    }
  }

  /** Keeps what is in memory within its bound. */
  async relieve(): Promise<void> {
    for (;;) {
      const all = [
        ...this.#gatherings.values(),
        ...[...this.#copies.values()].flatMap((copy) => [...copy.gatherings()]),
      ];
      if (all.reduce((sum, { bytes }) => sum + bytes, 0) <= MEMORY_BYTES) return;
      await all.reduce((largest, one) => (one.bytes > largest.bytes ? one : largest)).spill();
    }
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
    const writer = await opening;
    this.#opened.set(table.path, writer);
    return writer;
  }

  readonly #opened = new Map<string, TableWriter>();

  #gatheringOf(source: RedactedTable): Gathering | undefined {
    const table = this.#tables.get(source);
    return table && this.#gatherings.get(table);
  }

  async #openGathering(source: RedactedTable): Promise<Gathering> {
    const table = await this.#tableOf(source);
    await this.writer(table);
    const gathering = new Gathering(table, this.#yard);
    this.#gatherings.set(table, gathering);
    return gathering;
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
