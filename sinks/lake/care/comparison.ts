import { randomUUID } from 'node:crypto';
import type { DuckDBBlobValue, DuckDBConnection } from '@duckdb/node-api';
import type { Checkpoint } from '../../../src/core/checkpoint.ts';
import { type Comparison, type Holding, READ, REST_MS } from '../../../src/core/comparison.ts';
import { DigestWriter } from '../../../src/core/digest.ts';
import { ofSink, PgveilError } from '../../../src/core/errors.ts';
import { KeyText } from '../../../src/core/key-text.ts';
import type { RedactedTable } from '../../../src/core/table.ts';
import type { Tuple } from '../../../src/core/tuple.ts';
import { storedCheckpoint } from '../claim.ts';
import { type LakeTable, lakeTable, schemaString, type Timestamps } from '../columns/lake-table.ts';
import type { Snapshot } from '../delta/snapshot.ts';
import { Columnar } from '../parquet/columnar.ts';
import { type Duck, identifier } from '../parquet/duck.ts';
import { HEAP_FIELD } from '../parquet/parquet.ts';
import { Rows } from '../parquet/rows.ts';
import type { Storage } from '../storage/storage.ts';
import { asTrouble, isOutOfMemory, trouble } from '../trouble.ts';
import { LatestRows } from './latest-rows.ts';
import { hashQuery } from './row-hash.ts';
import { type Field, fieldsOf } from './shape.ts';
import { Tended } from './tended.ts';

export interface ComparisonOptions {
  /** The sink's. */
  readonly name: string;
  readonly storage: Storage;
  readonly timestamps: Timestamps;
  readonly flush: { readonly everyMs: number };
}

const ANY_DAY = '2000-01-01';
/** What `Duck.inTurn` gives DuckDB memory for where a row or two need more than it has. */
const LARGE_BYTES = 40 * 1024 * 1024;

/** Rows as the lake would hold them, and as it does: of each key the latest. Both are hashed by DuckDB, which knows their types. */
export class LakeComparison implements Comparison {
  readonly restMs: number;
  readonly #options: ComparisonOptions;
  readonly #table: LakeTable;
  readonly #key: KeyText;
  readonly #fields: readonly Field[];
  readonly #open: () => Promise<Duck>;

  /** `open` gives what is shared with the sink's other tables. */
  constructor(options: ComparisonOptions, table: RedactedTable, open: () => Promise<Duck>) {
    this.restMs = options.flush.everyMs + REST_MS;
    this.#options = options;
    this.#open = open;
    this.#table = lakeTable(table, options.timestamps);
    this.#key = new KeyText(table, false);
    this.#fields = fieldsOf({ schemaString: schemaString(this.#table) });
  }

  async expect(images: readonly Tuple<'redacted'>[]): Promise<Buffer> {
    const duck = await this.#open();
    const rows = new Rows(this.#table, ANY_DAY, duck.spare);
    for (const image of images) {
      this.#key.find(image);
      rows.add({ op: 'r', transaction: READ, seq: 0, key: this.#key, previousKey: null, image });
    }
    const columnar = new Columnar(rows);
    const scan = { fields: [HEAP_FIELD, ...this.#table.fields], fill: columnar.fill.bind(columnar) };
    return await asTrouble(() =>
      duck.with((connection) => duck.scans.with(scan, (scanned) => this.#hash(connection, scanned))),
    );
  }

  async #hash(connection: DuckDBConnection, scanned: string): Promise<Buffer> {
    const source = `(SELECT * EXCLUDE (${identifier(HEAP_FIELD.name)}) FROM ${scanned})`;
    const pieces: Buffer[] = [];
    for await (const piece of hashes(connection, hashQuery(this.#fields, source))) pieces.push(piece);
    return Buffer.concat(pieces);
  }

  async look(): Promise<Holding> {
    try {
      const duck = await this.#open();
      const checkpoint = await storedCheckpoint(this.#options.storage);
      // Read behind the checkpoint: the rows are no older than it.
      const { storage } = this.#options;
      const tended = new Tended({ storage, duck, progress: () => {} }, this.#table.source.name);
      return new LakeHolding(this.#options.name, tended, checkpoint, await tended.log.read(), this.#table);
    } catch (error) {
      throw ofSink(this.#options.name, error);
    }
  }
}

/** One version of the table. */
class LakeHolding implements Holding {
  readonly checkpoint: Checkpoint | null;
  readonly #sink: string;
  readonly #tended: Tended;
  readonly #snapshot: Snapshot;
  readonly #table: LakeTable;
  readonly #latest = identifier(`latest ${randomUUID()}`);
  #folded: Promise<void> | null = null;

  constructor(sink: string, tended: Tended, checkpoint: Checkpoint | null, snapshot: Snapshot, table: LakeTable) {
    this.#sink = sink;
    this.#tended = tended;
    this.checkpoint = checkpoint;
    this.#snapshot = snapshot;
    this.#table = table;
  }

  async *rows(): AsyncGenerator<Buffer> {
    const { duck } = this.#tended.workshop;
    try {
      this.#folded ??= this.#fold();
      await this.#folded;
      const connection = await duck.connect();
      try {
        yield* hashes(connection, `FROM ${this.#latest}`);
      } finally {
        connection.closeSync();
      }
    } catch (error) {
      throw ofSink(this.#sink, trouble(error));
    }
  }

  async close(): Promise<void> {
    if (!this.#folded) return;
    await this.#folded.catch(() => {});
    await this.#tended.workshop.duck.with((connection) => connection.run(`DROP TABLE IF EXISTS ${this.#latest}`));
  }

  /** Makes a table of the hashes of all rows, which does not need the files any more. */
  async #fold(): Promise<void> {
    const { metaData, files } = this.#snapshot;
    const { name, generation } = this.#table.source;
    // Below it is one that another sink alone was copied for.
    if (Number(metaData?.configuration['pgveil.generation']) > generation) {
      throw new PgveilError('rule_changed', `${name} was copied anew meanwhile`, { table: name });
    }
    const fields = fieldsOf(metaData!);
    const foldWith = (bytes: number) =>
      this.#tended.workshop.duck.inTurn(bytes, async (connection) => {
        await connection.run(`CREATE OR REPLACE TABLE ${this.#latest} (key BLOB, row BLOB, place VARCHAR)`);
        const latest = new LatestRows(this.#tended, fields, [...files.values()], connection);
        await latest.each((rows) => connection.run(`INSERT INTO ${this.#latest} ${hashQuery(fields, rows)}`));
      });
    await foldWith(0).catch(async (error) => {
      if (!isOutOfMemory(error)) throw error;
      await foldWith(LARGE_BYTES);
    });
  }
}

async function* hashes(connection: DuckDBConnection, query: string): AsyncGenerator<Buffer> {
  const digests = new DigestWriter();
  const result = await connection.stream(query);
  for await (const rows of result.yieldRows()) {
    for (const [key, row, place] of rows as [DuckDBBlobValue, DuckDBBlobValue, string][]) {
      digests.addHashes(key.bytes, row.bytes, place);
    }
    yield digests.take();
  }
}
