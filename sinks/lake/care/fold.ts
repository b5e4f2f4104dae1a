import type { DuckDBConnection } from '@duckdb/node-api';
import type { Add } from '../action.ts';
import { FOLD } from '../commit-info.ts';
import { identifier } from '../duck.ts';
import { DATE_FIELD, KEY_FIELD } from '../lake-table.ts';
import type { Snapshot } from '../snapshot.ts';
import { exchange } from './exchange.ts';
import { History, rowsIn } from './history.ts';
import { latestQuery } from './latest.ts';
import { findLinks } from './links.ts';
import { groupRowsOf, ROW_GROUP_BYTES, store } from './output.ts';
import { type Field, fieldsOf, listOf, rowsOf } from './shape.ts';
import { type Marked, markSuperseded } from './superseded.ts';
import type { Tended } from './tended.ts';

export interface Folded extends Marked {
  /** Files that held such rows, and those of them that had no other. */
  readonly filesRewritten: number;
  readonly filesRemoved: number;
  /** Null where there was nothing to do. */
  readonly version: number | null;
}

export interface FoldOptions {
  /** In milliseconds since 1970; Infinity: everything up to now. */
  readonly before: number;
  /** Only says what would be done. */
  readonly dryRun: boolean;
}

const NOTHING: Folded = { dropped: 0, filled: 0, keys: 0, filesRewritten: 0, filesRemoved: 0, version: null };

/**
 * Leaves out every row that a later one had taken the place of before a moment: overwritten, deleted and truncated ones, also the deletions
 * themselves. What is left is the table's state at that moment, and every row since; the latest state stays what it was.
 */
export async function fold(table: Tended, { before, dryRun }: FoldOptions): Promise<Folded> {
  for (;;) {
    const snapshot = await table.log.read();
    if (!snapshot.metaData) return NOTHING;
    const folded = await table.workshop.duck.inTurn(ROW_GROUP_BYTES, async (connection) =>
      new Fold(table, snapshot, connection).run(before, dryRun),
    );
    if (folded) return folded;
  }
}

/** One attempt, at one version. */
class Fold {
  readonly #table: Tended;
  readonly #snapshot: Snapshot;
  readonly #files: readonly Add[];
  readonly #fields: readonly Field[];
  readonly #connection: DuckDBConnection;

  constructor(table: Tended, snapshot: Snapshot, connection: DuckDBConnection) {
    this.#table = table;
    this.#snapshot = snapshot;
    this.#files = [...snapshot.files.values()];
    this.#fields = fieldsOf(snapshot.metaData!);
    this.#connection = connection;
  }

  /** Null where somebody else changed the same files. */
  async run(before: number, dryRun: boolean): Promise<Folded | null> {
    const since = Date.now();
    const history = await History.read(this.#connection, this.#table, this.#fields, this.#files);
    const horizon = await history.horizon(before);
    if (horizon === null) return NOTHING;
    const marked = await markSuperseded(history, horizon);
    const touched = await this.#touched();
    if (dryRun || touched.length === 0) return { ...NOTHING, ...marked, filesRewritten: touched.length };
    if (marked.filled > 0) await this.#fill();
    const adds: Add[] = [];
    for (const [done, index] of touched.entries()) {
      this.#table.say(`rewriting file ${done + 1} of ${touched.length}`);
      const add = await this.#rewrite(index, horizon);
      if (add) adds.push(add);
    }
    const removes = touched.map((index) => this.#files[index]!);
    const { version } = this.#snapshot;
    const made = await exchange(this.#table, { version, removes, adds, operation: FOLD, dataChange: true, since });
    const [filesRewritten, filesRemoved] = [removes.length, removes.length - adds.length];
    return made === null ? null : { ...marked, filesRewritten, filesRemoved, version: made };
  }

  /** Files, by index, that hold a marked row. */
  async #touched(): Promise<number[]> {
    const rows = await rowsIn(this.#connection, 'SELECT DISTINCT file FROM marks ORDER BY file');
    return rows.map(([file]) => Number(file));
  }

  /** Makes the rows that take on values of others, as a temporary table `filled`. */
  async #fill(): Promise<void> {
    await findLinks(this.#connection);
    const columns = this.#fields.map(({ name, sql }) => `${identifier(name)} ${sql}`).join(', ');
    await this.#connection.run(`CREATE TEMP TABLE torn (${columns})`);
    await this.#connection.run(`CREATE TEMP TABLE filled (${columns})`);
    const linked = await rowsIn(this.#connection, 'SELECT DISTINCT file FROM links ORDER BY file');
    for (const [file] of linked) {
      await this.#table.local(this.#files[file]!, null, async (path) => {
        const rows = `${numbered(this.#fields, path)} WHERE "row.number" IN (SELECT row FROM links WHERE file = ${file})`;
        await this.#connection.run(`INSERT INTO torn SELECT ${listOf(this.#fields)} FROM ${rows}`);
      });
    }
    await this.#connection.run(`INSERT INTO filled BY NAME ${latestQuery(this.#fields, 'torn')}`);
  }

  /** A file's rows less those that go; null where none are left. */
  async #rewrite(index: number, horizon: bigint): Promise<Add | null> {
    const file = this.#files[index]!;
    return await this.#table.local(file, null, async (path) => {
      const marks = (mark: string) => `(SELECT row FROM marks WHERE file = ${index} AND mark ${mark})`;
      const shown = this.#fields.map(({ name }) =>
        name === '_previous_key'
          ? `CASE WHEN _commit_lsn > ${horizon} THEN _previous_key END AS _previous_key`
          : identifier(name),
      );
      const kept = `SELECT ${shown.join(', ')} FROM ${numbered(this.#fields, path)} WHERE "row.number" NOT IN ${marks("<> 'forget'")}`;
      const filled = `SELECT ${listOf(this.#fields)} FROM filled WHERE (${KEY_FIELD}, _commit_lsn, _seq) IN (
        SELECT (key, lsn, seq) FROM history WHERE file = ${index} AND row IN ${marks("= 'fill'")})`;
      const [[fills]] = await rowsIn(this.#connection, `SELECT count(*) FROM ${marks("= 'fill'")}`);
      const query = Number(fills) > 0 ? `${kept} UNION ALL ${filled}` : kept;
      const groupRows = await groupRowsOf(this.#table.workshop.duck, [path]);
      const day = file.partitionValues[DATE_FIELD]!;
      return await store(this.#table, this.#snapshot.metaData!, this.#connection, query, { day, groupRows });
    });
  }
}

/** A file's rows, counted from 1 in the order in which they stand there. */
function numbered(fields: readonly Field[], path: string): string {
  return `(SELECT row_number() OVER () AS "row.number", * FROM ${rowsOf(fields, [path])})`;
}
