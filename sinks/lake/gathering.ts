import { rm } from 'node:fs/promises';
import type { Transaction } from '../../src/core/batch.ts';
import { reach } from '../../src/core/fault.ts';
import { dayOf, unixMicros } from './columns/calendar.ts';
import { DATE_FIELD, type LakeTable } from './columns/lake-table.ts';
import type { Action, Add } from './delta/action.ts';
import { newFileName } from './delta/file-name.ts';
import { type ParquetFile, writeParquet } from './parquet/parquet.ts';
import { type Row, Rows } from './parquet/rows.ts';
import { fileTrouble } from './trouble.ts';
import type { Yard } from './yard.ts';

/** Rows on their way from memory to the storage. Both promises reject with the first failure. */
export interface Spilling {
  /** Resolves when nothing of them is in memory any more, but in files of this machine. */
  readonly made: Promise<void>;
  /** Resolves when these are in the storage. */
  readonly stored: Promise<void>;
}

/**
 * Rows of one table on their way to a commit: a few in memory, and files of those that were too many. The files are in the storage by
 * then, but in no version of the table.
 */
export class Gathering {
  readonly table: LakeTable;
  readonly #yard: Yard;
  /** By day, since a file is of one. */
  #days = new Map<string, Rows>();
  #last: { readonly transaction: Transaction; readonly rows: Rows } | null = null;
  readonly #files: Promise<Add[]>[] = [];

  constructor(table: LakeTable, yard: Yard) {
    this.table = table;
    this.#yard = yard;
  }

  /** In memory. */
  get bytes(): number {
    return [...this.#days.values()].reduce((sum, { bytes }) => sum + bytes, 0);
  }

  add(row: Row): void {
    this.#rowsOf(row.transaction).add(row);
  }

  /** Where the rows of a transaction gather. What is known of the last one serves for all of it: to find the day takes a microsecond. */
  #rowsOf(transaction: Transaction): Rows {
    if (transaction === this.#last?.transaction) return this.#last.rows;
    const day = dayOf(unixMicros(transaction.commitTime));
    let rows = this.#days.get(day);
    if (!rows) {
      rows = new Rows(this.table, day, this.#yard.duck.spare);
      this.#days.set(day, rows);
    }
    this.#last = { transaction, rows };
    return rows;
  }

  /** Takes over what another one of the same table has in memory, and leaves it its files. */
  merge(other: Gathering): void {
    for (const [day, rows] of other.#days) {
      const ours = this.#days.get(day);
      if (ours) ours.merge(rows);
      else this.#days.set(day, rows);
    }
    this.#files.push(...other.#files.splice(0));
    other.#forget();
  }

  /** Makes files of all that is in memory, beside what is added from here on. */
  spill(): Spilling {
    const days = [...this.#days.values()];
    this.#forget();
    const making = days.map((rows) => this.#make(rows));
    const files = Promise.all(days.map(async ({ day }, i) => await this.#store(day, await making[i]!)));
    this.#files.push(files);
    const spilling = { made: ended(making), stored: ended([files]) };
    for (const end of Object.values(spilling)) end.catch(() => {}); // told by whoever waits, and by `finish`
    return spilling;
  }

  /** All files that were made, once nothing is in memory any more. */
  async finish(): Promise<readonly Action[]> {
    this.spill();
    return (await Promise.all(this.#files)).flat().map((add) => ({ add }));
  }

  /** Nobody will ever read what was made. What cannot be removed now lies there unseen. */
  async discard(): Promise<void> {
    this.#forget();
    const made = await Promise.allSettled(this.#files.splice(0));
    const adds = made.flatMap((files) => (files.status === 'fulfilled' ? files.value : []));
    await Promise.allSettled(adds.map(({ path }) => this.#yard.storage.delete(`${this.table.path}/${path}`)));
  }

  #forget(): void {
    this.#days = new Map();
    this.#last = null;
  }

  async #make(rows: Rows): Promise<ParquetFile> {
    return await writeParquet(this.#yard.duck, rows).catch((error) => {
      throw fileTrouble(error, this.table.source.name);
    });
  }

  async #store(day: string, file: ParquetFile): Promise<Add> {
    try {
      const path = newFileName(day, this.#yard.maker);
      reach('before a file');
      await this.#yard.upload(`${this.table.path}/${path}`, file.path);
      reach('file stored');
      return {
        path,
        partitionValues: { [DATE_FIELD]: day },
        size: file.size,
        modificationTime: Date.now(),
        dataChange: true,
        stats: file.stats,
      };
    } finally {
      await rm(file.path, { force: true });
    }
  }
}

async function ended(all: readonly Promise<unknown>[]): Promise<void> {
  await Promise.all(all);
}
