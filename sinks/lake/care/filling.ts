import type { DuckDBConnection } from '@duckdb/node-api';
import type { DeltaType } from '../columns/column-type.ts';
import { KEY_FIELD } from '../columns/lake-table.ts';
import type { Add } from '../delta/action.ts';
import { identifier } from '../parquet/duck.ts';
import { rowsIn } from './history.ts';
import { latestQuery } from './latest.ts';
import { findLinks } from './links.ts';
import { type Field, listOf, numbered } from './shape.ts';
import type { Tended } from './tended.ts';

/** Rows of so many bytes are filled in at a time: in the midst of it DuckDB takes more than ten times as much. */
const PART_BYTES = 8 * 1024 * 1024;
/** What is more is cut into so many pieces, each of them again: that reads every row a few times, where to look for each part by itself would
 * read all rows as often as there are parts. */
const PIECES = 4n;
/** What each value takes there, however short. */
const VALUE_BYTES = 16;
/** Of the hash that a part is a range of. */
const HASHES = 2n ** 64n;

/** Rows of a table, of about so many bytes, whose column is from `from` up to below `to`. */
interface Parts {
  readonly table: string;
  readonly column: string;
  readonly from: bigint;
  readonly to: bigint;
  readonly bytes: number;
}

/**
 * The rows that take on values of others, as they are then. A table whose every row lacks something has as many of them as rows: they lie in
 * temporary tables of the connection, which DuckDB puts on disk. Names with a dot are no column's.
 */
export class Filling {
  readonly #table: Tended;
  readonly #fields: readonly Field[];
  readonly #connection: DuckDBConnection;
  #parts = 0;

  constructor(table: Tended, fields: readonly Field[], connection: DuckDBConnection) {
    this.#table = table;
    this.#fields = fields;
    this.#connection = connection;
  }

  /** Makes them of rows marked `fill`, and those that they take their values from. */
  async make(files: readonly Add[]): Promise<void> {
    await findLinks(this.#connection);
    const columns = this.#fields.map(({ name, sql }) => `${identifier(name)} ${sql}`).join(', ');
    await this.#connection.run(`CREATE TEMP TABLE torn ("row.part" UBIGINT, "row.file" INTEGER, ${columns})`);
    await this.#connection.run(`CREATE TEMP TABLE filled ("row.file" INTEGER, ${columns})`);
    const linked = await rowsIn(this.#connection, 'SELECT DISTINCT file FROM links ORDER BY file');
    for (const [index] of linked) await this.#tear(files[index]!, index);
    const bytes = await this.#tornBytes();
    await this.#inParts({ table: 'torn', column: 'row.part', from: 0n, to: HASHES, bytes }, (part) => this.#fill(part));
    await this.#connection.run('DROP TABLE torn');
    await this.#connection.run('CREATE TEMP TABLE sorted AS FROM filled WHERE false');
    const rows = { table: 'filled', column: 'row.file', from: 0n, to: BigInt(files.length), bytes };
    await this.#inParts(rows, async (part) => {
      await this.#connection.run(`INSERT INTO sorted FROM ${part}`);
    });
    await this.#connection.run('DROP TABLE filled');
  }

  /** Those of one file. */
  rowsOf(index: number): string {
    return `SELECT ${listOf(this.#fields)} FROM sorted WHERE "row.file" = ${index}`;
  }

  /** Takes the linked rows out of a file. Those that are to be filled in know it. */
  async #tear(add: Add, index: number): Promise<void> {
    await this.#table.local(add, null, async (path) => {
      await this.#connection.run(`INSERT INTO torn
        SELECT part, CASE WHEN is_target THEN ${index} END, ${listOf(this.#fields)} FROM ${numbered(this.#fields, path)}
        JOIN links ON links.row = "row.number" AND links.file = ${index}`);
    });
  }

  /** Those of a part that belong together: all that a value may come from is in it. */
  async #fill(part: string): Promise<void> {
    this.#table.say(`filling in values, part ${++this.#parts}`);
    const latest = latestQuery(this.#fields, `(SELECT * EXCLUDE ("row.part", "row.file") FROM ${part})`);
    const shown = this.#fields.map(({ name }) =>
      name === '_unchanged' || name === '_previous_key' ? 'NULL' : `latest.${identifier(name)}`,
    );
    await this.#connection.run(`INSERT INTO filled
      SELECT part."row.file", ${shown.join(', ')} FROM (${latest}) latest JOIN ${part} part
        USING (${KEY_FIELD}, _commit_lsn, _seq) WHERE part."row.file" IS NOT NULL`);
  }

  /** Hands rows to `work`, one part after another: each a table, of a range of the column and of no more than PART_BYTES. */
  async #inParts({ table, column, from, to, bytes }: Parts, work: (part: string) => Promise<void>): Promise<void> {
    if (bytes <= PART_BYTES || to - from <= 1n) return await work(table);
    for (let number = 0n; number < PIECES; number++) {
      const [first, end] = [number, number + 1n].map((at) => from + ((to - from) * at) / PIECES) as [bigint, bigint];
      if (first === end) continue;
      const piece = `${table}_${number}`;
      const isInside = `${identifier(column)} BETWEEN ${first} AND ${end - 1n}`;
      await this.#connection.run(`CREATE TEMP TABLE ${piece} AS FROM ${table} WHERE ${isInside}`);
      await this.#inParts({ table: piece, column, from: first, to: end, bytes: bytes / Number(PIECES) }, work);
      await this.#connection.run(`DROP TABLE ${piece}`);
    }
  }

  /** As they are in memory, about. */
  async #tornBytes(): Promise<number> {
    const large = this.#fields.filter(({ type }) => hasAnySize(type));
    const sizes = large.map(({ name }) => `coalesce(strlen(${identifier(name)}::VARCHAR), 0)`);
    const row = [VALUE_BYTES * this.#fields.length, ...sizes].join(' + ');
    const [[bytes]] = await rowsIn(this.#connection, `SELECT CAST(sum(${row}) AS DOUBLE) FROM torn`);
    return Number(bytes);
  }
}

function hasAnySize(type: DeltaType): boolean {
  return typeof type !== 'string' || type === 'string' || type === 'binary';
}
