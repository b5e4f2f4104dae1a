import { randomUUID } from 'node:crypto';
import { rm, stat } from 'node:fs/promises';
import type { DuckDBConnection } from '@duckdb/node-api';
import { reach } from '../../../src/core/fault.ts';
import { DATE_FIELD } from '../columns/lake-table.ts';
import type { Add, MetaData } from '../delta/action.ts';
import { type Duck, literal } from '../parquet/duck.ts';
import { readStats } from '../parquet/stats.ts';
import { fieldsOf } from './shape.ts';
import { CARE, type Tended } from './tended.ts';

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
    await connection.run(`COPY (${query}) TO ${literal(file)} (${optionsOf(metaData, groupRows)})`);
    const stats = await readStats(connection, `read_parquet(${literal(file)})`, fieldsOf(metaData));
    if (recordsIn(stats) === 0) return null;
    const path = `${day}/${CARE}-${randomUUID()}.parquet`;
    await storage.upload(`${table.path}/${path}`, file);
    reach('file put together');
    const { size } = await stat(file);
    const partitionValues = { [DATE_FIELD]: day };
    return { path, partitionValues, size, modificationTime: Date.now(), dataChange: false, stats };
  } finally {
    await rm(file, { force: true });
  }
}

export function recordsIn(stats: string | undefined): number {
  return (JSON.parse(stats ?? '{"numRecords":0}') as { numRecords: number }).numRecords;
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
  return `FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE ${groupRows}, KV_METADATA {${pairs.join(', ')}}`;
}
