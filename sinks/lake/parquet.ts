import { rm, stat } from 'node:fs/promises';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { type DuckDBConnection, DuckDBDataChunk } from '@duckdb/node-api';
import { Columnar } from './columnar.ts';
import { type Duck, identifier, literal } from './duck.ts';
import type { Rows } from './rows.ts';
import { readStats } from './stats.ts';

/** DuckDB's vectors hold no more rows. */
const VECTOR_ROWS = 2048;
/** Converting takes a microsecond for a cell, and some milliseconds for so many bytes: after that it is somebody else's turn. */
const CHUNK_CELLS = 16_384;
const CHUNK_BYTES = 1024 * 1024;

/** A reader takes in row groups side by side, or leaves them out by their statistics. */
const ROW_GROUP_ROWS = 122_880;

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
  try {
    return await duck.inTurn(rows.bytes, async (connection) => {
      await fill(connection, rows);
      const stats = await readStats(connection, 'gathered', rows.table.fields);
      await connection.run(`COPY gathered TO ${literal(path)} (${optionsOf(rows)})`);
      const { size } = await stat(path);
      return { path, size, stats };
    });
  } catch (error) {
    await rm(path, { force: true });
    throw error;
  }
}

async function fill(connection: DuckDBConnection, rows: Rows): Promise<void> {
  const { fields } = rows.table;
  const types = fields.map(({ duck }) => duck);
  const columns = fields.map(({ name, duck }) => `${identifier(name)} ${duck}`);
  await connection.run(`CREATE TEMP TABLE gathered (${columns.join(', ')})`);
  const appender = await connection.createAppender('gathered');
  const columnar = new Columnar(rows);
  const most = Math.max(1, Math.min(VECTOR_ROWS, Math.floor(CHUNK_CELLS / fields.length)));
  for (const [from, to] of rows.runs(most, CHUNK_BYTES)) {
    const chunk = DuckDBDataChunk.create(types);
    chunk.setColumns(columnar.values(from, to));
    appender.appendDataChunk(chunk);
    await nextTurn();
  }
  appender.closeSync();
}

/** Who asks what a file is made of finds the table's generation and the plan that its rows went through. */
function optionsOf({ table }: Rows): string {
  const { name, generation, plan } = table.source;
  const metadata = { 'pgveil.table': name, 'pgveil.generation': String(generation), 'pgveil.plan': plan };
  const pairs = Object.entries(metadata).map(([key, value]) => `${literal(key)}: ${literal(value)}`);
  return `FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE ${ROW_GROUP_ROWS}, KV_METADATA {${pairs.join(', ')}}`;
}
