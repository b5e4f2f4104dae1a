import { rm } from 'node:fs/promises';
import type { DuckDBConnection } from '@duckdb/node-api';
import { reach } from '../../../src/core/fault.ts';
import { DATE_FIELD } from '../columns/lake-table.ts';
import type { Add, MetaData } from '../delta/action.ts';
import { CARE, newFileName } from '../delta/file-name.ts';
import { identifier, literal } from '../parquet/duck.ts';
import { statsJson, type WrittenFile } from '../parquet/stats.ts';
import { rowsIn } from './history.ts';
import { type Field, fieldsOf } from './shape.ts';
import type { Tended } from './tended.ts';

/** What a reader takes in at a time, or leaves out by its statistics: no more rows than this, and of large ones no more bytes, */
const ROW_GROUP_ROWS = 122_880;
/** as DuckDB has them in memory, which takes several times as much while it makes pages of them: with 16 MB it came to 411 MB in all. */
const ROW_GROUP_BYTES = 8 * 1024 * 1024;

/** What stands in the files' footers. */
const METADATA = ['pgveil.generation', 'pgveil.plan'];

/** Writes the rows of a query, all of one day, as a file that is in the storage and in no version yet; null where there are none. */
export async function store(
  table: Tended,
  metaData: MetaData,
  connection: DuckDBConnection,
  query: string,
  day: string,
): Promise<Add | null> {
  const { duck, storage } = table.workshop;
  const file = duck.path('parquet');
  try {
    const reader = await connection.runAndReadAll(`COPY (${query}) TO ${literal(file)} (${optionsOf(metaData)})`);
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

function optionsOf({ name, configuration }: MetaData): string {
  const known = METADATA.map((key) => [key, configuration[key] ?? ''] as const);
  const pairs = [['pgveil.table', name] as const, ...known].map(([key, value]) => `${literal(key)}: ${literal(value)}`);
  return `FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE ${ROW_GROUP_ROWS}, ROW_GROUP_SIZE_BYTES ${ROW_GROUP_BYTES}, KV_METADATA {${pairs.join(', ')}}, RETURN_STATS`;
}
