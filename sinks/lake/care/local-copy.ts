import { constants, type FileHandle, open, rm } from 'node:fs/promises';
import { type Duck, literal } from '../parquet/duck.ts';
import type { Storage } from '../storage/storage.ts';
import { asTrouble } from '../trouble.ts';

/** So much of an object is in memory at a time. */
const PIECE_BYTES = 8 * 1024 * 1024;
/** A smaller file is brought here whole: to ask for its parts would take longer. */
const SMALL_BYTES = 1024 * 1024;
/** Parquet's last bytes: the length of the footer before them, and four letters. */
const TAIL_BYTES = 8;

/** Files of the storage on this machine, where DuckDB can read them. */
export class LocalCopies {
  readonly #storage: Storage;
  readonly #duck: Duck;

  constructor(storage: Storage, duck: Duck) {
    this.#storage = storage;
    this.#duck = duck;
  }

  /** The path of a copy, which the caller removes. With `columns` only they can be read: all else of the file is a hole. */
  async bring(name: string, size: number, columns: readonly string[] | null): Promise<string> {
    const path = this.#duck.path('parquet');
    try {
      const isWhole = columns === null || size <= SMALL_BYTES;
      await asTrouble(() =>
        isWhole ? this.#fill(name, path, [[0, size]]) : this.#fillColumns(name, size, columns, path),
      );
      return path;
    } catch (error) {
      await rm(path, { force: true });
      throw error;
    }
  }

  async #fillColumns(name: string, size: number, columns: readonly string[], path: string): Promise<void> {
    const tail = await this.#storage.read(name, size - TAIL_BYTES, size);
    const footer = size - TAIL_BYTES - tail.readUInt32LE(0);
    await this.#fill(name, path, [
      [0, 4], // the letters that it begins with
      [footer, size],
    ]);
    await this.#fill(name, path, await this.#chunks(path, columns));
  }

  /** Where a file's columns lie, by its footer. */
  async #chunks(path: string, columns: readonly string[]): Promise<[number, number][]> {
    return await this.#duck.with(async (connection) => {
      const reader = await connection.runAndReadAll(
        `SELECT coalesce(nullif(dictionary_page_offset, 0), data_page_offset), total_compressed_size
         FROM parquet_metadata(${literal(path)})
         WHERE split_part(path_in_schema, ', ', 1) IN (${columns.map(literal).join(', ')})`,
      );
      return reader.getRows().map(([start, bytes]) => [Number(start), Number(start) + Number(bytes)]);
    });
  }

  async #fill(name: string, path: string, ranges: readonly (readonly [number, number])[]): Promise<void> {
    await using file = await open(path, constants.O_CREAT | constants.O_WRONLY);
    for (const [start, end] of ranges) await this.#pour(name, file, start, end);
  }

  async #pour(name: string, file: FileHandle, start: number, end: number): Promise<void> {
    for (let at = start; at < end; ) {
      const bytes = await this.#storage.read(name, at, Math.min(at + PIECE_BYTES, end));
      if (bytes.length === 0)
        throw Object.assign(new Error('the object is shorter than the log says'), { code: 'EIO' });
      await file.write(bytes, 0, bytes.length, at);
      at += bytes.length;
    }
  }
}
