import { rm } from 'node:fs/promises';
import type { DuckDBConnection } from '@duckdb/node-api';
import { KEY_FIELD } from '../columns/lake-table.ts';
import type { Add } from '../delta/action.ts';
import { literal } from '../parquet/duck.ts';
import { rowsIn } from './history.ts';
import { latestQuery } from './latest.ts';
import { findLinks } from './links.ts';
import { type Field, listOf, rowsOf } from './shape.ts';
import type { Tended } from './tended.ts';

/** Rows of so many bytes are filled in at a time. */
const PART_BYTES = 24 * 1024 * 1024;

/**
 * The rows that take on values of others, as they are then, in files of this machine: a table whose every row lacks something has as many
 * of them as rows. Names with a dot are no column's.
 */
export class Filling {
  readonly #table: Tended;
  readonly #fields: readonly Field[];
  readonly #connection: DuckDBConnection;
  readonly #torn: string[] = [];
  readonly #filled: string[] = [];

  constructor(table: Tended, fields: readonly Field[], connection: DuckDBConnection) {
    this.#table = table;
    this.#fields = fields;
    this.#connection = connection;
  }

  /** Makes them of rows marked `fill`, and those that they take their values from. */
  async make(files: readonly Add[]): Promise<void> {
    await findLinks(this.#connection);
    await this.#connection.run(`CREATE TEMP TABLE targets AS
      SELECT h.* FROM history h JOIN marks m ON m.file = h.file AND m.row = h.row WHERE m.mark = 'fill'`);
    const linked = await rowsIn(this.#connection, 'SELECT DISTINCT file FROM links ORDER BY file');
    for (const [index] of linked) await this.#tear(files[index]!, index);
    const parts = await this.#parts();
    for (let part = 0; part < parts; part++) {
      this.#table.say(`filling in values, part ${part + 1} of ${parts}`);
      await this.#fill(`"row.part" % ${parts} = ${part}`);
    }
  }

  /** Those of one file. */
  rowsOf(index: number): string {
    return `SELECT ${listOf(this.#fields)} FROM ${read(this.#filled)} WHERE "row.file" = ${index}`;
  }

  async remove(): Promise<void> {
    await Promise.all([...this.#torn, ...this.#filled].map((path) => rm(path, { force: true })));
  }

  /** Takes the linked rows out of a file. */
  async #tear(add: Add, index: number): Promise<void> {
    await this.#table.local(add, null, async (path) => {
      const rows = `(SELECT row_number() OVER () AS "row.number", * FROM ${rowsOf(this.#fields, [path])})`;
      await this.#write(
        this.#torn,
        `SELECT ${listOf(this.#fields)}, part AS "row.part" FROM ${rows} JOIN links ON links.row = "row.number" AND links.file = ${index}`,
      );
    });
  }

  async #fill(isInPart: string): Promise<void> {
    const latest = latestQuery(
      this.#fields,
      `(SELECT * EXCLUDE ("row.part") FROM ${read(this.#torn)} WHERE ${isInPart})`,
    );
    const nulls = `NULL::VARCHAR[] AS _unchanged, NULL::VARCHAR AS _previous_key`;
    await this.#write(
      this.#filled,
      `SELECT targets.file AS "row.file", filled.*, ${nulls} FROM (${latest}) filled JOIN targets
        ON targets.key = ${KEY_FIELD} AND targets.lsn = _commit_lsn AND targets.seq = _seq`,
    );
  }

  async #parts(): Promise<number> {
    const [[bytes]] = await rowsIn(
      this.#connection,
      `SELECT CAST(sum(total_uncompressed_size) AS DOUBLE) FROM parquet_metadata([${this.#torn.map(literal).join(', ')}])`,
    );
    return Math.max(1, Math.ceil(Number(bytes) / PART_BYTES));
  }

  async #write(paths: string[], query: string): Promise<void> {
    const path = this.#table.workshop.duck.path('parquet');
    paths.push(path);
    await this.#connection.run(`COPY (${query}) TO ${literal(path)} (FORMAT parquet, ROW_GROUP_SIZE 2048)`);
  }
}

function read(paths: readonly string[]): string {
  return `read_parquet([${paths.map(literal).join(', ')}])`;
}
