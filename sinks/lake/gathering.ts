import { randomUUID } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { reach } from '../../src/core/fault.ts';
import type { Action, Add } from './action.ts';
import { dayOf, unixMicros } from './calendar.ts';
import type { Duck } from './duck.ts';
import { DATE_FIELD, type LakeTable } from './lake-table.ts';
import { writeParquet } from './parquet.ts';
import { type Row, Rows } from './rows.ts';
import type { Storage } from './storage.ts';
import { asTrouble } from './trouble.ts';

/** What a gathering puts its files into. */
export interface Yard {
  readonly storage: Storage;
  readonly duck: Duck;
  /** What the files' names begin with, by which a vacuum knows whose they are: the writer's epoch, or `care`. */
  readonly maker: string;
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
  readonly #adds: Add[] = [];

  constructor(table: LakeTable, yard: Yard) {
    this.table = table;
    this.#yard = yard;
  }

  /** In memory. */
  get bytes(): number {
    return [...this.#days.values()].reduce((sum, { bytes }) => sum + bytes, 0);
  }

  add(row: Row): void {
    const day = dayOf(unixMicros(row.transaction.commitTime));
    let rows = this.#days.get(day);
    if (!rows) {
      rows = new Rows(this.table, day);
      this.#days.set(day, rows);
    }
    rows.add(row);
  }

  /** Makes files of all that is in memory. */
  async spill(): Promise<void> {
    const days = this.#days;
    this.#days = new Map();
    for (const rows of days.values()) this.#adds.push(await this.#store(rows));
  }

  /** All files that were made, once nothing is in memory any more. */
  async finish(): Promise<readonly Action[]> {
    await this.spill();
    return this.#adds.map((add) => ({ add }));
  }

  /** Nobody will ever read what was made. What cannot be removed now lies there unseen. */
  async discard(): Promise<void> {
    this.#days = new Map();
    const paths = this.#adds.splice(0).map(({ path }) => `${this.table.path}/${path}`);
    await Promise.allSettled(paths.map((path) => this.#yard.storage.delete(path)));
  }

  async #store(rows: Rows): Promise<Add> {
    const { duck, storage, maker } = this.#yard;
    const file = await asTrouble(() => writeParquet(duck, rows));
    try {
      const path = `${rows.day}/${maker}-${randomUUID()}.parquet`;
      reach('before a file');
      await storage.upload(`${this.table.path}/${path}`, file.path);
      reach('file stored');
      return {
        path,
        partitionValues: { [DATE_FIELD]: rows.day },
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
