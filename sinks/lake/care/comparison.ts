import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import type { DuckDBConnection } from '@duckdb/node-api';
import type { Checkpoint } from '../../../src/core/checkpoint.ts';
import type { Comparison, Holding } from '../../../src/core/comparison.ts';
import { DigestWriter } from '../../../src/core/digest.ts';
import { ofSink, PgveilError } from '../../../src/core/errors.ts';
import { KeyText } from '../../../src/core/key-text.ts';
import type { RedactedTable } from '../../../src/core/table.ts';
import type { Tuple } from '../../../src/core/tuple.ts';
import { storedCheckpoint } from '../claim.ts';
import { type LakeTable, lakeTable, schemaString, type Timestamps } from '../columns/lake-table.ts';
import type { Snapshot } from '../delta/snapshot.ts';
import { Columnar } from '../parquet/columnar.ts';
import { Duck, identifier } from '../parquet/duck.ts';
import { HEAP_FIELD } from '../parquet/parquet.ts';
import { Rows } from '../parquet/rows.ts';
import type { Storage } from '../storage/storage.ts';
import { asTrouble, trouble } from '../trouble.ts';
import { latestQuery } from './latest.ts';
import { ownFolder, removeOwnFolder } from './own-folder.ts';
import { hashQuery } from './row-hash.ts';
import { type Field, fieldsOf, rowsOf } from './shape.ts';
import { Tended } from './tended.ts';

export interface ComparisonOptions {
  /** The sink's. */
  readonly name: string;
  readonly storage: Storage;
  readonly temporary: string;
  readonly timestamps: Timestamps;
  readonly flush: { readonly everyMs: number };
}

/** Beside what a lake gathers: an idle source has a new position every ten seconds. */
const REST_MS = 12_000;
/** Of reads, whose transaction says nothing about the row. */
const READ = { clsn: 0n, xid: null, commitTime: 0n };
const ANY_DAY = '2000-01-01';
/** What `Duck.inTurn` gives DuckDB memory for: all rows are folded at once, and what is more than that goes to disk. */
const FOLD_BYTES = 40 * 1024 * 1024;

/** Rows as the lake would hold them, and as it does: of each key the latest. Both are hashed by DuckDB, which knows their types. */
export class LakeComparison implements Comparison {
  readonly restMs: number;
  readonly #options: ComparisonOptions;
  readonly #table: LakeTable;
  readonly #key: KeyText;
  readonly #fields: readonly Field[];
  #opened: Promise<Opened> | null = null;

  constructor(options: ComparisonOptions, table: RedactedTable) {
    this.restMs = options.flush.everyMs + REST_MS;
    this.#options = options;
    this.#table = lakeTable(table, options.timestamps);
    this.#key = new KeyText(table, false);
    this.#fields = fieldsOf({ schemaString: schemaString(this.#table) });
  }

  async expect(images: readonly Tuple<'redacted'>[]): Promise<Buffer> {
    const { expected } = await this.#open();
    const rows = new Rows(this.#table, ANY_DAY, expected.duck.spare);
    for (const image of images) {
      this.#key.find(image);
      rows.add({ op: 'r', transaction: READ, seq: 0, key: this.#key, previousKey: null, image });
    }
    const columnar = new Columnar(rows);
    const scan = { fields: [HEAP_FIELD, ...this.#table.fields], fill: columnar.fill.bind(columnar) };
    const made = await asTrouble(() =>
      expected.duck.scans.with(scan, async (scanned) => {
        const source = `(SELECT * EXCLUDE (${identifier(HEAP_FIELD.name)}) FROM ${scanned})`;
        const pieces: Buffer[] = [];
        for await (const piece of hashes(expected.connection, hashQuery(this.#fields, source))) pieces.push(piece);
        return pieces;
      }),
    );
    return Buffer.concat(made);
  }

  async look(): Promise<Holding> {
    try {
      const { held } = await this.#open();
      const checkpoint = await storedCheckpoint(this.#options.storage);
      // Read behind the checkpoint: the rows are no older than it.
      const tended = new Tended(
        { storage: this.#options.storage, duck: held, progress: () => {} },
        this.#table.source.name,
      );
      return new LakeHolding(this.#options.name, tended, checkpoint, await tended.log.read(), this.#table);
    } catch (error) {
      throw ofSink(this.#options.name, error);
    }
  }

  async close(): Promise<void> {
    if (!this.#opened) return;
    const { expected, held } = await this.#opened;
    expected.connection.closeSync();
    await Promise.all([expected.duck.close(), held.close()]);
    await removeOwnFolder(this.#options.temporary);
  }

  #open(): Promise<Opened> {
    this.#opened ??= openDucks(this.#options.temporary);
    return this.#opened;
  }
}

/** One for each side: what one of them holds is no room that the other lacks. */
interface Opened {
  readonly expected: { readonly duck: Duck; readonly connection: DuckDBConnection };
  readonly held: Duck;
}

async function openDucks(temporary: string): Promise<Opened> {
  const folder = await ownFolder(temporary);
  const duck = await Duck.open(join(folder, 'expected'));
  return { expected: { duck, connection: await duck.connect() }, held: await Duck.open(join(folder, 'held')) };
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
        yield* hashes(connection, `SELECT * FROM ${this.#latest}`);
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
    await this.#tended.workshop.duck.inTurn(0, (connection) => connection.run(`DROP TABLE IF EXISTS ${this.#latest}`));
  }

  /** Makes a table of the hashes of all rows, which does not need the files any more. */
  async #fold(): Promise<void> {
    const { metaData, files } = this.#snapshot;
    const { name, generation } = this.#table.source;
    if (Number(metaData?.configuration['pgveil.generation']) !== generation) {
      throw new PgveilError('rule_changed', `${name} was copied anew meanwhile`, { table: name });
    }
    const fields = fieldsOf(metaData!);
    await this.#tended.locals([...files.values()], async (paths) => {
      const latest = `(${latestQuery(fields, rowsOf(fields, paths))})`;
      const make = `CREATE TABLE ${this.#latest} AS ${hashQuery(fields, latest)}`;
      await this.#tended.workshop.duck.inTurn(FOLD_BYTES, (connection) => connection.run(make));
    });
  }
}

async function* hashes(connection: DuckDBConnection, query: string): AsyncGenerator<Buffer> {
  const digests = new DigestWriter();
  const result = await connection.stream(query);
  for await (const rows of result.yieldRows()) {
    for (const [key, row, place] of rows as [string, string, string][]) digests.addHashes(key, row, place);
    yield digests.take();
  }
}
