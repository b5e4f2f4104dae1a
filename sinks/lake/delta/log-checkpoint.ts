import { createWriteStream } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { DuckDBConnection } from '@duckdb/node-api';
import { type Duck, literal } from '../parquet/duck.ts';
import { type Action, actionFromJson, linesOf } from './action.ts';

/** The columns of a checkpoint, which are the actions, with the types that the protocol gives them. */
const COLUMNS = {
  txn: 'STRUCT("appId" VARCHAR, "version" BIGINT, "lastUpdated" BIGINT)',
  add: `STRUCT("path" VARCHAR, "partitionValues" MAP(VARCHAR, VARCHAR), "size" BIGINT, "modificationTime" BIGINT,
    "dataChange" BOOLEAN, "stats" VARCHAR, "tags" MAP(VARCHAR, VARCHAR))`,
  remove: `STRUCT("path" VARCHAR, "deletionTimestamp" BIGINT, "dataChange" BOOLEAN, "extendedFileMetadata" BOOLEAN,
    "partitionValues" MAP(VARCHAR, VARCHAR), "size" BIGINT)`,
  metaData: `STRUCT("id" VARCHAR, "name" VARCHAR, "format" STRUCT("provider" VARCHAR, "options" MAP(VARCHAR, VARCHAR)),
    "schemaString" VARCHAR, "partitionColumns" VARCHAR[], "configuration" MAP(VARCHAR, VARCHAR), "createdTime" BIGINT)`,
  protocol: `STRUCT("minReaderVersion" INTEGER, "minWriterVersion" INTEGER, "readerFeatures" VARCHAR[],
    "writerFeatures" VARCHAR[])`,
};

const NAMES = Object.keys(COLUMNS).map((name) => `"${name}"`);
const TYPES = Object.entries({ version: 'BIGINT', ...COLUMNS })
  .map(([name, type]) => `${literal(name)}: ${literal(type)}`)
  .join(', ');
const LIST = NAMES.join(', ');
/** A row group is in memory while it is written, and again while it is read. */
const FORMAT = 'FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE 2048';
const AS_JSON = `CAST(to_json(struct_pack(${NAMES.map((name) => `${name} := ${name}`).join(', ')})) AS VARCHAR)`;

/** What an action is about; null where a checkpoint leaves it out. */
const ABOUT = `CASE WHEN "protocol" IS NOT NULL THEN 'protocol' WHEN "metaData" IS NOT NULL THEN 'metaData'
  WHEN "txn" IS NOT NULL THEN 'txn ' || "txn"."appId" ELSE 'file ' || coalesce("add"."path", "remove"."path") END`;

/** Which actions of a checkpoint are read: `head` leaves out the files, of which there may be more than fit into memory. */
export type Part = 'all' | 'head';

/** What a log amounts to: a checkpoint, null where there is none, and the commits behind it with their versions. */
export interface Log {
  readonly checkpoint: Buffer | null;
  readonly commits: AsyncIterable<readonly [number, Buffer]>;
}

export interface CheckpointFile {
  readonly path: string;
  readonly actions: number;
  readonly files: number;
  /** All that is not about files. */
  readonly head: readonly Action[];
}

/**
 * Sums `log` up: of all actions about one thing the last one counts. DuckDB does it, which needs no more memory where a table has a hundred
 * thousand files. Tombstones of before `since` (ms) are left out: no reader needs them. Hands the file to `take` and removes it.
 */
export async function writeCheckpoint(
  duck: Duck,
  log: Log,
  since: number,
  take: (file: CheckpointFile) => Promise<void>,
): Promise<void> {
  const [before, lines, made] = [duck.path('parquet'), duck.path('json'), duck.path('parquet')];
  try {
    await duck.with(async (connection) => {
      await pipeline(Readable.from(versioned(log.commits)), createWriteStream(lines));
      if (log.checkpoint) await writeFile(before, log.checkpoint);
      await connection.run(`COPY (${summary(log.checkpoint && before, lines, since)}) TO ${literal(made)} (${FORMAT})`);
      const counted = `SELECT count(*), count("add") FROM read_parquet(${literal(made)})`;
      const [counts] = (await connection.runAndReadAll(counted)).getRows();
      const [actions, files] = counts!.map(Number) as [number, number];
      await take({ path: made, actions, files, head: await actionsOf(connection, made, 'head') });
    });
  } finally {
    await Promise.all([before, lines, made].map((path) => rm(path, { force: true })));
  }
}

/** The actions of a checkpoint, whoever wrote it. */
export async function readCheckpoint(duck: Duck, content: Buffer, part: Part): Promise<Action[]> {
  const file = duck.path('parquet');
  return await duck.with(async (connection) => {
    try {
      await writeFile(file, content);
      return await actionsOf(connection, file, part);
    } finally {
      await rm(file, { force: true });
    }
  });
}

/** Of the checkpoint before all that the commits say nothing about: it may be large, and need not be in memory for that. */
function summary(before: string | null, lines: string, since: number): string {
  const commits = `SELECT *, ${ABOUT} AS about
    FROM read_json(${literal(lines)}, format = 'newline_delimited', columns = {${TYPES}})
    WHERE about IS NOT NULL QUALIFY row_number() OVER (PARTITION BY about ORDER BY version DESC) = 1`;
  const untouched = `SELECT ${LIST} FROM (SELECT *, ${ABOUT} AS about FROM read_parquet(${literal(before ?? '')}))
    ANTI JOIN latest USING (about) WHERE about IS NOT NULL`;
  return `WITH latest AS MATERIALIZED (${commits})
    SELECT "txn", ${withoutChange('add')}, ${withoutChange('remove')}, "metaData", "protocol"
    FROM (SELECT ${LIST} FROM latest ${before === null ? '' : `UNION ALL ${untouched}`})
    WHERE "remove" IS NULL OR "remove"."deletionTimestamp" >= ${since}`;
}

function withoutChange(name: string): string {
  return `CASE WHEN "${name}" IS NOT NULL THEN struct_update("${name}", "dataChange" := false) END AS "${name}"`;
}

/** The lines of all commits, and in each its commit's version. */
async function* versioned(commits: Log['commits']): AsyncIterable<string> {
  for await (const [version, content] of commits) {
    for (const line of linesOf(content)) yield `{"version":${version},${line.slice(1)}\n`;
  }
}

async function actionsOf(connection: DuckDBConnection, file: string, part: Part): Promise<Action[]> {
  const chosen = part === 'head' ? 'WHERE "add" IS NULL AND "remove" IS NULL' : '';
  const reader = await connection.runAndReadAll(`SELECT ${AS_JSON} FROM read_parquet(${literal(file)}) ${chosen}`);
  return reader.getRows().map(([json]) => withoutNulls(actionFromJson(json as string)));
}

/** Absent in a commit, null in a table's column. */
function withoutNulls(action: Action): Action {
  const shown = Object.entries(action).filter(([, value]) => value !== null);
  return Object.fromEntries(
    shown.map(([name, fields]) => [
      name,
      Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== null)),
    ]),
  );
}
