import type { DuckDBConnection } from '@duckdb/node-api';
import { KEY_FIELD } from '../columns/lake-table.ts';
import type { Add } from '../delta/action.ts';
import { type Field, rowsOf } from './shape.ts';
import type { Tended } from './tended.ts';

/** So many rows at a time are compared, however many a table has. */
const BUCKET_ROWS = 500_000;

/** All that decides which row comes after which: of a file nothing else is read. */
const COLUMNS = [KEY_FIELD, '_op', '_commit_lsn', '_seq', '_commit_ts', '_unchanged', '_previous_key'];

/** Where each row of a table stands in its key's past, as a temporary table `history` of one connection; what is too much for memory is on disk. */
export class History {
  readonly connection: DuckDBConnection;

  private constructor(connection: DuckDBConnection) {
    this.connection = connection;
  }

  /** Of a connection that has none yet. */
  static async begin(connection: DuckDBConnection): Promise<History> {
    await connection.run(`CREATE TEMP TABLE history (file INTEGER, row BIGINT, key VARCHAR, op VARCHAR, lsn BIGINT, seq BIGINT,
      micros BIGINT, is_partial BOOLEAN, previous VARCHAR)`);
    return new History(connection);
  }

  /** All files of a table; `file` is the index into them, `row` counts from 1. */
  static async read(
    connection: DuckDBConnection,
    table: Tended,
    fields: readonly Field[],
    files: readonly Add[],
  ): Promise<History> {
    const history = await History.begin(connection);
    for (const [index, add] of files.entries()) {
      if (index % 100 === 99) table.say(`read the keys of ${index + 1} of ${files.length} files`);
      await table.local(add, COLUMNS, (path) => history.take(fields, index, path));
    }
    return history;
  }

  /** The rows of one more file. */
  async take(fields: readonly Field[], index: number, path: string): Promise<void> {
    const narrow = fields.filter(({ name }) => COLUMNS.includes(name));
    await this.connection.run(`INSERT INTO history
      SELECT ${index}, row_number() OVER (), ${KEY_FIELD}, _op, _commit_lsn, _seq, epoch_us(_commit_ts),
        coalesce(len(_unchanged), 0) > 0, _previous_key
      FROM ${rowsOf(narrow, [path])}`);
  }

  async rows(): Promise<number> {
    const [[rows]] = await rowsIn(this.connection, 'SELECT count(*) FROM history');
    return Number(rows);
  }

  /** Parts of all keys, one after another: a key's rows are all in one of them. */
  async *buckets(): AsyncIterable<string> {
    const count = await this.#parts();
    for (let number = 0; number < count; number++) {
      yield `(SELECT * FROM history WHERE key IS NOT NULL AND hash(key) % ${count} = ${number})`;
    }
  }

  /** Parts of all rows, one after another: those of one transaction are all in one of them. */
  async *places(): AsyncIterable<string> {
    const count = await this.#parts();
    for (let number = 0; number < count; number++)
      yield `(SELECT * FROM history WHERE hash(lsn) % ${count} = ${number})`;
  }

  async #parts(): Promise<number> {
    return Math.max(1, Math.ceil((await this.rows()) / BUCKET_ROWS));
  }

  /** The last place of the stream that is older than `time` (ms since 1970), or of all; null where nothing is. */
  async horizon(time: number): Promise<bigint | null> {
    const micros = Number.isFinite(time) ? `WHERE micros < ${BigInt(Math.trunc(time)) * 1000n}` : '';
    const [[lsn]] = await rowsIn(this.connection, `SELECT max(lsn) FROM history ${micros}`);
    return lsn as bigint | null;
  }
}

/** All rows of a small result. */
// biome-ignore lint/suspicious/noExplicitAny: of whatever types the query has
export async function rowsIn(connection: DuckDBConnection, query: string): Promise<any[][] & [any[], ...any[]]> {
  const rows = (await connection.runAndReadAll(query)).getRows();
  // biome-ignore lint/suspicious/noExplicitAny: as above; whoever takes the first knows that it is there
  return rows as any;
}
