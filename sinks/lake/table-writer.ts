import { randomUUID } from 'node:crypto';
import { PgveilError } from '../../src/core/errors.ts';
import type { Lsn } from '../../src/core/lsn.ts';
import { DATE_FIELD, hasLocalTimestamps, type LakeTable, schemaString, type Timestamps } from './columns/lake-table.ts';
import type { Action, MetaData } from './delta/action.ts';
import { commitInfo, removal } from './delta/commit-info.ts';
import { DeltaLog } from './delta/log.ts';
import { DeltaTable } from './delta/table.ts';
import type { Yard } from './yard.ts';

/** What a table with local timestamps asks of its readers and writers. */
const LOCAL_FEATURES = ['timestampNtz'];

/** Commits a pipeline's rows to one table, with the position that they lead to: its `txn` version. */
export class TableWriter {
  readonly #pipeline: string;
  readonly #delta: DeltaTable;
  readonly #appId: string;
  #isRenewed = false;

  private constructor(pipeline: string, delta: DeltaTable, appId: string) {
    this.#pipeline = pipeline;
    this.#delta = delta;
    this.#appId = appId;
  }

  /** Rejects with `target_exists` where another has made a table in its place. */
  static async open(pipeline: string, table: LakeTable, { storage, duck }: Yard): Promise<TableWriter> {
    const appId = `pgveil/${pipeline}/${table.source.name}`;
    const delta = await DeltaTable.open(new DeltaLog(storage, duck, table.path), appId);
    const owner = delta.metaData?.configuration['pgveil.pipeline'];
    if (delta.metaData && owner !== pipeline) {
      throw new PgveilError('target_exists', `the lake has a table at ${table.path} that pgveil did not make`);
    }
    return new TableWriter(pipeline, delta, appId);
  }

  /** What those of the present generation are; null before the first. */
  get timestamps(): Timestamps | null {
    const schema = this.#delta.metaData?.schemaString;
    if (schema === undefined) return null;
    return schema.includes('"timestamp_ntz"') ? 'timestamp_ntz' : 'string';
  }

  /** Whether the table holds a transaction already, which is sent once more. */
  holds(clsn: Lsn): boolean {
    return !this.#isRenewed && this.#delta.position !== null && clsn < this.#delta.position;
  }

  /** Nothing more comes of what the table holds, but a copy: perhaps from another server, whose positions are lower. */
  renew(): void {
    this.#isRenewed = true;
  }

  /** Adds files of the present generation. */
  async append(table: LakeTable, adds: readonly Action[], position: Lsn): Promise<void> {
    const described = this.#delta.metaData?.schemaString === schemaString(table) ? [] : this.#describe(table);
    await this.#delta.commit(() => [...described, ...adds, this.#txn(position), commitInfo('WRITE')]);
  }

  /** Puts a new generation in the place of all that is there: older versions still have it. */
  async replace(table: LakeTable, adds: readonly Action[], position: Lsn): Promise<void> {
    await this.#delta.commit(async () => {
      const old = this.#delta.metaData ? await this.#delta.files() : [];
      const removes = old.map((add) => removal(add, true));
      return [...this.#describe(table), ...removes, ...adds, this.#txn(position), commitInfo('OVERWRITE')];
    });
  }

  #describe(table: LakeTable): Action[] {
    const { name, generation, plan } = table.source;
    const old = this.#delta.metaData;
    const metaData: MetaData = {
      id: old?.id ?? randomUUID(),
      name,
      format: { provider: 'parquet', options: {} },
      schemaString: schemaString(table),
      partitionColumns: [DATE_FIELD],
      configuration: {
        ...old?.configuration,
        'pgveil.pipeline': this.#pipeline,
        'pgveil.generation': String(generation),
        'pgveil.plan': plan,
      },
      createdTime: old?.createdTime ?? Date.now(),
    };
    const local = {
      minReaderVersion: 3,
      minWriterVersion: 7,
      readerFeatures: LOCAL_FEATURES,
      writerFeatures: LOCAL_FEATURES,
    };
    if (hasLocalTimestamps(table)) return [{ protocol: local }, { metaData }];
    return old ? [{ metaData }] : [{ protocol: { minReaderVersion: 1, minWriterVersion: 2 } }, { metaData }];
  }

  #txn(position: Lsn): Action {
    return { txn: { appId: this.#appId, version: position, lastUpdated: Date.now() } };
  }
}
