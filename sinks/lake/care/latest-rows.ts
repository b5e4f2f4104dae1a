import type { DuckDBConnection } from '@duckdb/node-api';
import type { Add } from '../delta/action.ts';
import { Filling } from './filling.ts';
import { History } from './history.ts';
import { type Field, listOf, numbered } from './shape.ts';
import { markSuperseded } from './superseded.ts';
import type { Tended } from './tended.ts';

/**
 * The latest state of each row of a table, as `latestQuery` has it, file by file: what decides which row is the latest is compared first, of
 * a few columns, and then every file is read once. So it takes no more memory than to look after the lake does, whatever its size.
 */
export class LatestRows {
  readonly #table: Tended;
  readonly #fields: readonly Field[];
  readonly #files: readonly Add[];
  readonly #connection: DuckDBConnection;

  /** On a connection that has no temporary table yet. */
  constructor(table: Tended, fields: readonly Field[], files: readonly Add[], connection: DuckDBConnection) {
    this.#table = table;
    this.#fields = fields;
    this.#files = files;
    this.#connection = connection;
  }

  /** Hands over SQL for the rows of one file after another. */
  async each(work: (rows: string) => Promise<unknown>): Promise<void> {
    const history = await History.read(this.#connection, this.#table, this.#fields, this.#files);
    const horizon = await history.horizon(Number.POSITIVE_INFINITY);
    if (horizon === null) return; // there are none
    const { filled } = await markSuperseded(history, horizon);
    const filling = new Filling(this.#table, this.#fields, this.#connection);
    if (filled > 0) await filling.make(this.#files);
    for (const [index, file] of this.#files.entries()) {
      const gone = `SELECT row FROM marks WHERE file = ${index} AND mark <> 'forget'`;
      await this.#table.local(file, null, async (path) => {
        const kept = `SELECT ${listOf(this.#fields)} FROM ${numbered(this.#fields, path)} WHERE "row.number" NOT IN (${gone})`;
        await work(`(${filled > 0 ? `${kept} UNION ALL ${filling.rowsOf(index)}` : kept})`);
      });
    }
  }
}
