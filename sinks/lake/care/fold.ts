import type { DuckDBConnection } from '@duckdb/node-api';
import { DATE_FIELD } from '../columns/lake-table.ts';
import type { Add } from '../delta/action.ts';
import { FOLD } from '../delta/commit-info.ts';
import type { Snapshot } from '../delta/snapshot.ts';
import { identifier } from '../parquet/duck.ts';
import { exchange } from './exchange.ts';
import { Filling } from './filling.ts';
import { History, rowsIn } from './history.ts';
import { store } from './output.ts';
import { type Field, fieldsOf, numbered } from './shape.ts';
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
    const folded = await table.workshop.duck.inTurn(0, async (connection) =>
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
    const adds = await this.#rewriteAll(touched, horizon, marked.filled > 0);
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

  async #rewriteAll(touched: readonly number[], horizon: bigint, hasFilled: boolean): Promise<Add[]> {
    const adds: Add[] = [];
    const filling = new Filling(this.#table, this.#fields, this.#connection);
    if (hasFilled) await filling.make(this.#files);
    for (const [done, index] of touched.entries()) {
      this.#table.say(`rewriting file ${done + 1} of ${touched.length}`);
      const add = await this.#rewrite(index, horizon, filling);
      if (add) adds.push(add);
    }
    return adds;
  }

  /** A file's rows less those that go; null where none are left. */
  async #rewrite(index: number, horizon: bigint, filling: Filling): Promise<Add | null> {
    const file = this.#files[index]!;
    return await this.#table.local(file, null, async (path) => {
      const marks = (mark: string) => `(SELECT row FROM marks WHERE file = ${index} AND mark ${mark})`;
      const shown = this.#fields.map(({ name }) =>
        name === '_previous_key'
          ? `CASE WHEN _commit_lsn > ${horizon} THEN _previous_key END AS _previous_key`
          : identifier(name),
      );
      const kept = `SELECT ${shown.join(', ')} FROM ${numbered(this.#fields, path)} WHERE "row.number" NOT IN ${marks("<> 'forget'")}`;
      const [[fills]] = await rowsIn(this.#connection, `SELECT count(*) FROM ${marks("= 'fill'")}`);
      const query = Number(fills) > 0 ? `${kept} UNION ALL ${filling.rowsOf(index)}` : kept;
      const day = file.partitionValues[DATE_FIELD]!;
      return await store(this.#table, this.#snapshot.metaData!, this.#connection, query, day);
    });
  }
}
