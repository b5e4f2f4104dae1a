import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';
import { literal } from '../sinks/lake/parquet/duck.ts';
import { CUSTOMERS, type Rendered } from './lake-rows.ts';

/** A folder for lakes, and a DuckDB of its own that has the rows of the first one as a table. */
export class LakePlace implements AsyncDisposable {
  readonly #folder: string;
  readonly #connection: DuckDBConnection;
  /** As the sink gets them. */
  rows: readonly Rendered[] = [];

  private constructor(folder: string, connection: DuckDBConnection) {
    this.#folder = folder;
    this.#connection = connection;
  }

  static async start(): Promise<LakePlace> {
    const instance = await DuckDBInstance.create(':memory:');
    return new LakePlace(await mkdtemp(join(tmpdir(), 'pgveil-bench-')), await instance.connect());
  }

  /** Nothing is in it yet. Whoever is done with it removes it. */
  async emptyFolder(): Promise<string> {
    return await mkdtemp(join(this.#folder, 'lake-'));
  }

  async takeRows(lake: string): Promise<void> {
    await this.#connection.run(`CREATE OR REPLACE TABLE rows AS FROM ${filesOf(lake)}`);
  }

  async copyRows(threads: number): Promise<void> {
    await this.#connection.run(`SET threads = ${threads}`);
    const file = join(this.#folder, 'rows.parquet');
    await this.#connection.run(`COPY rows TO ${literal(file)} (FORMAT parquet, COMPRESSION zstd)`);
    await rm(file);
  }

  /** A side that lost something has no figures. */
  async assertSame(lake: string): Promise<void> {
    const content = async (relation: string) => {
      const reader = await this.#connection.runAndReadAll(
        `SELECT count(*)::VARCHAR, bit_xor(hash(r))::VARCHAR FROM ${relation} AS r`,
      );
      return reader.getRows();
    };
    assert.deepEqual(await content(filesOf(lake)), await content('rows'), 'the lake does not hold all rows');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#connection.closeSync();
    await rm(this.#folder, { recursive: true });
  }
}

function filesOf(lake: string): string {
  const { schema, relation } = CUSTOMERS;
  return `read_parquet(${literal(join(lake, schema, relation, '*', '*.parquet'))})`;
}
