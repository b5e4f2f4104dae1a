import { rm } from 'node:fs/promises';
import type { DuckDBConnection } from '@duckdb/node-api';
import { reach } from '../../../src/core/fault.ts';
import { DATE_FIELD } from '../columns/lake-table.ts';
import type { Add, MetaData } from '../delta/action.ts';
import { CARE, newFileName } from '../delta/file-name.ts';
import { type Duck, identifier, literal } from '../parquet/duck.ts';
import { statsJson, type WrittenFile } from '../parquet/stats.ts';
import { rowsIn } from './history.ts';
import { type Field, fieldsOf } from './shape.ts';
import type { Tended } from './tended.ts';

/** What a reader takes in at a time, decompressed: it has some of them in memory, and leaves out others by their statistics. */
const ROW_GROUP_BYTES = 64 * 1024 * 1024;
/** What `Duck.inTurn` gives DuckDB memory for: enough for a row group, and little enough for a machine that also runs pgveil. */
export const WORK_BYTES = 32 * 1024 * 1024;
const MOST_ROWS = 122_880;
const FEWEST_ROWS = 2_048;

/** What stands in the files' footers. */
const METADATA = ['pgveil.generation', 'pgveil.plan'];

/** Writes the rows of a query, all of one day, as a file that is in the storage and in no version yet; null where there are none. */
export async function store(
  table: Tended,
  metaData: MetaData,
  connection: DuckDBConnection,
  query: string,
  { day, groupRows }: { day: string; groupRows: number },
): Promise<Add | null> {
  const { duck, storage } = table.workshop;
  const file = duck.path('parquet');
  try {
    const reader = await connection.runAndReadAll(
      `COPY (${query}) TO ${literal(file)} (${optionsOf(metaData, groupRows)})`,
    );
    const written = reader.getRowObjectsJson()[0] as unknown as WrittenFile;
    const fields = fieldsOf(metaData);
    const [records, ...nulls] = await count(connection, file, fields);
    if (records === 0) return null;
    const stats = statsJson(fields, records, nulls, written.column_statistics);
    const path = newFileName(day, CARE);
    await storage.upload(`${table.path}/${path}`, file);
    reach('file put together');
    const size = Number(written.file_size_bytes);
    const partitionValues = { [DATE_FIELD]: day };
    return { path, partitionValues, size, modificationTime: Date.now(), dataChange: false, stats };
  } finally {
    await rm(file, { force: true });
  }
}

/** Rows of a file, and how many of them are NULL in each field: of lists DuckDB tells that of the elements alone. */
async function count(
  connection: DuckDBConnection,
  file: string,
  fields: readonly Field[],
): Promise<readonly [number, ...number[]]> {
  const nulls = fields.map(({ name }) => `count(*) - count(${identifier(name)})`);
  const [found] = await rowsIn(
    connection,
    `SELECT ${['count(*)', ...nulls].join(', ')} FROM read_parquet(${literal(file)})`,
  );
  return found.map(Number) as [number, ...number[]];
}

/** So many rows that a group of them stays within its bytes. */
export async function groupRowsOf(duck: Duck, paths: readonly string[]): Promise<number> {
  const connection = await duck.connect();
  try {
    const files = paths.map(literal).join(', ');
    const reader = await connection.runAndReadAll(
      `SELECT CAST(sum(total_uncompressed_size) AS DOUBLE),
         (SELECT CAST(sum(num_rows) AS DOUBLE) FROM parquet_file_metadata([${files}]))
       FROM parquet_metadata([${files}])`,
    );
    const [bytes, rows] = reader.getRows()[0] as [number | null, number | null];
    if (!bytes || !rows) return MOST_ROWS;
    return Math.min(MOST_ROWS, Math.max(FEWEST_ROWS, Math.floor((ROW_GROUP_BYTES * rows) / bytes)));
  } finally {
    connection.closeSync();
  }
}

function optionsOf({ name, configuration }: MetaData, groupRows: number): string {
  const known = METADATA.map((key) => [key, configuration[key] ?? ''] as const);
  const pairs = [['pgveil.table', name] as const, ...known].map(([key, value]) => `${literal(key)}: ${literal(value)}`);
  return `FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE ${groupRows}, KV_METADATA {${pairs.join(', ')}}, RETURN_STATS`;
}
