import type { DuckDBConnection } from '@duckdb/node-api';
import type { Add } from '../action.ts';
import { KEY_FIELD } from '../lake-table.ts';
import { type Field, rowsOf } from './shape.ts';
import type { Tended } from './tended.ts';

/** So many keys at a time are compared, however many a table has. */
const BUCKET_ROWS = 2_000_000;

/** All that decides which row comes after which: of a file nothing else is read. */
const COLUMNS = [KEY_FIELD, '_op', '_commit_lsn', '_seq', '_commit_ts', '_unchanged', '_previous_key'];

/** Where each row of a table stands in its key's past, as a temporary table `history` of one connection; what is too much for memory is on disk. */
export class History {
  readonly connection: DuckDBConnection;
  readonly buckets: number;

  private constructor(connection: DuckDBConnection, buckets: number) {
    this.connection = connection;
    this.buckets = buckets;
  }

  /** `file` is the index into `files`, `row` counts from 1. */
  static async read(
    connection: DuckDBConnection,
    table: Tended,
    fields: readonly Field[],
    files: readonly Add[],
  ): Promise<History> {
    await connection.run(`CREATE TEMP TABLE history (
      file INTEGER, row BIGINT, key VARCHAR, op VARCHAR, lsn BIGINT, seq BIGINT, micros BIGINT, is_partial BOOLEAN, previous VARCHAR)`);
    const narrow = fields.filter(({ name }) => COLUMNS.includes(name));
    for (const [index, add] of files.entries()) {
      if (index % 100 === 99) table.say(`read the keys of ${index + 1} of ${files.length} files`);
      await table.local(add, COLUMNS, async (path) => {
        await connection.run(`INSERT INTO history
          SELECT ${index}, row_number() OVER (), ${KEY_FIELD}, _op, _commit_lsn, _seq, epoch_us(_commit_ts),
            coalesce(len(_unchanged), 0) > 0, _previous_key
          FROM ${rowsOf(narrow, [path])}`);
      });
    }
    const [[rows]] = await rowsIn(connection, 'SELECT count(*) FROM history');
    return new History(connection, Math.max(1, Math.ceil(Number(rows) / BUCKET_ROWS)));
  }

  /** Rows of a part of all keys: a key's rows are all in one bucket. */
  bucket(number: number): string {
    return `(SELECT * FROM history WHERE key IS NOT NULL AND hash(key) % ${this.buckets} = ${number})`;
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
