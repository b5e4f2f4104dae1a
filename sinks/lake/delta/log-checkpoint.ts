import { createWriteStream } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { type Duck, literal } from '../parquet/duck.ts';
import { type Action, actionFromJson, actionToJson } from './action.ts';

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

const COLUMN_LIST = Object.entries(COLUMNS)
  .map(([name, type]) => `${literal(name)}: ${literal(type)}`)
  .join(', ');

/** Writes the same lines as a commit has, but in Parquet, which is what a checkpoint is. Hands the file to `take` and removes it. */
export async function writeCheckpoint(
  duck: Duck,
  actions: Iterable<Action>,
  take: (file: string) => Promise<void>,
): Promise<void> {
  const [lines, file] = [duck.path('json'), duck.path('parquet')];
  try {
    await duck.with(async (connection) => {
      await pipeline(Readable.from(linesOf(actions)), createWriteStream(lines));
      const source = `read_json(${literal(lines)}, format = 'newline_delimited', columns = {${COLUMN_LIST}})`;
      await connection.run(`COPY (FROM ${source}) TO ${literal(file)} (FORMAT parquet, COMPRESSION zstd)`);
    });
    await take(file);
  } finally {
    await Promise.all([lines, file].map((path) => rm(path, { force: true })));
  }
}

/** The actions of a checkpoint, whoever wrote it. */
export async function readCheckpoint(duck: Duck, content: Buffer): Promise<Action[]> {
  const file = duck.path('parquet');
  return await duck.with(async (connection) => {
    try {
      await writeFile(file, content);
      const columns = Object.keys(COLUMNS).join(', ');
      const row = `CAST(to_json(struct_pack(${columns.replace(/\w+/g, '$& := "$&"')})) AS VARCHAR)`;
      const reader = await connection.runAndReadAll(`SELECT ${row} FROM read_parquet(${literal(file)})`);
      return reader.getRows().map(([json]) => withoutNulls(actionFromJson(json as string)));
    } finally {
      await rm(file, { force: true });
    }
  });
}

function* linesOf(actions: Iterable<Action>): Iterable<string> {
  for (const action of actions) yield `${actionToJson(action)}\n`;
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
