import { rm } from 'node:fs/promises';
import { BLOB, type DuckDBDataChunk } from '@duckdb/node-api';
import { Columnar } from './columnar.ts';
import { type Duck, identifier, literal } from './duck.ts';
import { type Rows, VECTOR_ROWS } from './rows.ts';
import { statsJson, type WrittenFile } from './stats.ts';

/** Of a value in DuckDB's vectors. */
const WIDEST_BYTES = 16;

/** A reader takes in row groups side by side, or leaves them out by their statistics. */
const ROW_GROUP_ROWS = 122_880;

/** Whose memory the texts of the others lie in. No column of a lake has a space in its name. */
export const HEAP_FIELD = { name: 'the heap', duck: BLOB };

/** A file of this machine, whose owner removes it. */
export interface ParquetFile {
  readonly path: string;
  /** In bytes. */
  readonly size: number;
  /** As `add` has them. */
  readonly stats: string;
}

/** Writes rows as one Parquet file. Compression and writing are off the event loop. */
export async function writeParquet(duck: Duck, rows: Rows): Promise<ParquetFile> {
  const path = duck.path('parquet');
  const columnar = new Columnar(rows);
  try {
    const written = await duck.inTurn(bytesOf(rows), async (connection) => {
      const converted = await duck.converting.take();
      const fill = (chunk: DuckDBDataChunk) => {
        if (!columnar.fill(chunk)) converted();
      };
      try {
        return await duck.scans.with({ fields: [HEAP_FIELD, ...rows.table.fields], fill }, async (scanned) => {
          const reader = await connection.runAndReadAll(
            `COPY (SELECT * EXCLUDE (${identifier(HEAP_FIELD.name)}) FROM ${scanned}) TO ${literal(path)} (${optionsOf(rows)})`,
          );
          return reader.getRowObjectsJson()[0] as unknown as WrittenFile;
        });
      } finally {
        converted();
      }
    });
    const stats = statsJson(rows.table.fields, rows.length, columnar.nulls(), written.column_statistics);
    return { path, size: Number(written.file_size_bytes), stats };
  } catch (error) {
    await rm(path, { force: true });
    throw error;
  }
}

/** A chunk takes so much of a column, however few rows are in it, and DuckDB has two of them in its hands. */
function bytesOf({ bytes, table }: Rows): number {
  return bytes + table.fields.length * 2 * VECTOR_ROWS * WIDEST_BYTES;
}

/** Who asks what a file is made of finds the table's generation and the plan that its rows went through. */
function optionsOf({ table }: Rows): string {
  const { name, generation, plan } = table.source;
  const metadata = { 'pgveil.table': name, 'pgveil.generation': String(generation), 'pgveil.plan': plan };
  const pairs = Object.entries(metadata).map(([key, value]) => `${literal(key)}: ${literal(value)}`);
  return `FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE ${ROW_GROUP_ROWS}, KV_METADATA {${pairs.join(', ')}}, RETURN_STATS`;
}
