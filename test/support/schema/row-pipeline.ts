import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import type { Tables } from '../judge/decisions.ts';
import { differences } from '../judge/oracle.ts';
import type { Servers } from '../trial/servers.ts';
import type { Service, Status } from '../trial/service.ts';
import type { Trial } from '../trial/trial.ts';
import { KEY } from '../trial/trial-configuration.ts';
import { dmlOf, PERSON, PIPELINES, type Pipeline, type PipelineSettings, person, type Row } from './row.ts';

const SENTINEL =
  'CREATE TABLE sentinel (id integer PRIMARY KEY, v text); INSERT INTO sentinel SELECT i FROM generate_series(1, 10) i';
const BYSTANDER =
  'CREATE TABLE bystander (id integer PRIMARY KEY, v text); INSERT INTO bystander SELECT i FROM generate_series(1, 10) i';
const plain = { columns: { id: 'keep', v: 'keep' } } as const;

/** A row with what is its own: a schema, and the names that its tables have with it. */
export class PlacedRow {
  readonly row: Row;
  readonly schema: string;
  readonly #publication: string;

  constructor(row: Row, schema: string, publication: string) {
    this.row = row;
    this.schema = schema;
    this.#publication = publication;
  }

  sql(text: string): string {
    return text.replaceAll('$schema', this.schema).replaceAll('$publication', this.#publication);
  }

  /** As the configuration calls the table; `$schema_away.person` is one in another schema. */
  nameOf(table: string): string {
    return table.startsWith('$schema') ? this.sql(table) : `${this.schema}.${table}`;
  }

  place(tables: Tables): Tables {
    return Object.fromEntries(Object.entries(tables).map(([name, decisions]) => [this.nameOf(name), decisions]));
  }

  get tables(): Tables {
    return this.place(this.row.tables ?? { person });
  }

  /** Names of the tables that the change happens to. */
  get concerned(): readonly string[] {
    return this.row.concerns?.map((name) => this.nameOf(name)) ?? Object.keys(this.tables);
  }
}

/** Rows of one kind, each in a schema of its own, in one pipeline; with a table that nothing happens to, and one that changes last. */
export class RowPipeline implements AsyncDisposable {
  readonly trial: Trial;
  readonly rows: readonly PlacedRow[];
  /** What happens happens to every table. */
  readonly concernsAll: boolean;
  readonly #client: pg.Client;
  readonly #writer: pg.Client;
  #before: Status['tables'] = {};
  #writes = 0;

  private constructor(
    trial: Trial,
    concernsAll: boolean,
    rows: readonly PlacedRow[],
    clients: readonly [pg.Client, pg.Client],
  ) {
    this.trial = trial;
    this.concernsAll = concernsAll;
    this.rows = rows;
    [this.#client, this.#writer] = clients;
  }

  static async open(servers: Servers, pipeline: Pipeline, rows: readonly Row[]): Promise<RowPipeline> {
    const { publication, others, concernsAll }: PipelineSettings = PIPELINES[pipeline];
    const all = { 'public.bystander': plain, 'public.sentinel': plain };
    const trial = await servers.trial(`${BYSTANDER}; ${SENTINEL}`, all, { others: others ?? {} });
    const placed = rows.map((row, at) => new PlacedRow(row, `row${at}`, trial.slot));
    const clients = [await servers.source.connect(trial.name), await servers.source.connect(trial.name)] as const;
    const opened = new RowPipeline(trial, concernsAll ?? false, placed, clients);
    for (const one of placed) {
      await opened.#in(one, `CREATE SCHEMA ${one.schema}`);
      await opened.#in(one, one.row.setup ?? PERSON);
      Object.assign(all, one.tables);
    }
    const schemas = ['public', ...placed.map(({ schema }) => schema)];
    if (publication) {
      const what = `${publication(schemas)} WITH (publish_via_partition_root = true)`;
      await trial.source.query(`CREATE PUBLICATION ${trial.slot} ${what}`);
    }
    return opened;
  }

  /** The service, once every table streams: from then on something happens to them. */
  async stream(): Promise<Service> {
    const service = await this.trial.run();
    await service.isReady(300_000);
    this.#before = (await service.status()).tables;
    return service;
  }

  /** Whether it was copied since it streamed first. A first copy may have been begun anew, so the number says nothing. */
  isCopiedAnew(table: string, { tables }: Status): boolean {
    return tables[table]!.generation > this.#before[table]!.generation;
  }

  /** Runs in the row's schema. */
  async #in(one: PlacedRow, sql: string): Promise<void> {
    await this.#client.query(`SET search_path = ${one.schema}`);
    await this.#client.query(one.sql(sql));
  }

  /** Every row's change, each statement in a transaction of its own; between DML of the row, if that is wanted. */
  async change(around: 'nothing' | 'dml' = 'nothing'): Promise<void> {
    await this.#changeAll(this.rows, around);
  }

  /** The same while the service is held, snapshot and all. Some statements wait for all snapshots there are: `release` lets it go on. */
  async changeHeld(release: () => void): Promise<void> {
    const { waiting = [], others = [] } = Object.groupBy(this.rows, ({ row }) => (row.outside ? 'waiting' : 'others'));
    await this.#changeAll(others, 'dml');
    release();
    await this.#changeAll(waiting, 'dml');
  }

  async #changeAll(rows: readonly PlacedRow[], around: 'nothing' | 'dml'): Promise<void> {
    for (const one of rows) {
      for (const statement of one.row.ddl) await this.#changeOne(one, statement, around === 'dml');
    }
  }

  async #changeOne(one: PlacedRow, statement: string, around: boolean): Promise<void> {
    if (one.row.outside) {
      if (around) await this.#dml(one);
      await this.#in(one, statement);
      if (around) await this.#dml(one);
      return;
    }
    await this.#client.query('BEGIN');
    try {
      if (around) await this.#dml(one);
      await this.#in(one, statement);
      if (around) await this.#dml(one);
      await this.#client.query('COMMIT');
    } catch (error) {
      await this.#client.query('ROLLBACK');
      throw new Error(`${one.row.name}: ${(error as Error).message}`, { cause: error });
    }
  }

  /** What is changed first where two changes meet one copy. */
  async changeFirst(): Promise<void> {
    for (const one of this.rows) {
      const more = Object.keys(one.row.tables ?? { person }).map(
        (table) => `ALTER TABLE ${table} ADD meanwhile integer`,
      );
      for (const statement of one.row.first ?? more) await this.#changeOne(one, statement, false);
    }
  }

  /** What the rows want written once all is as it should be, and something to every table. */
  async writeMore(): Promise<void> {
    for (const one of this.rows) {
      for (const statement of one.row.later ?? []) await this.#in(one, statement);
      await this.#dml(one);
    }
  }

  async fix(): Promise<void> {
    for (const one of this.rows) {
      const { ends } = one.row;
      if (ends.as !== 'halted') continue;
      for (const statement of ends.fix?.sql ?? []) await this.#changeOne(one, statement, false);
    }
  }

  /** DML of the row, in or outside of a transaction: what the definition does not allow leaves no trace. */
  async #dml(one: PlacedRow): Promise<void> {
    for (const statement of dmlOf(one.row, ++this.#writes)) {
      await this.#in(one, `DO $do$ BEGIN ${one.sql(statement)}; EXCEPTION WHEN OTHERS THEN NULL; END $do$`);
    }
  }

  /** Changes to all tables while `work` runs, on another connection. */
  async underLoad(work: () => Promise<void>): Promise<void> {
    const stop = new AbortController();
    const writing = this.#write(stop.signal);
    try {
      await work();
    } finally {
      stop.abort();
      await writing;
    }
  }

  async #write(until: AbortSignal): Promise<void> {
    while (!until.aborted) {
      const at = ++this.#writes;
      await this.#writer.query(`UPDATE public.bystander SET v = 'at ${at}' WHERE id = ${1 + (at % 10)}`);
      const one = this.rows[at % this.rows.length]!;
      for (const statement of dmlOf(one.row, at)) {
        const sql = `SET LOCAL search_path = ${one.schema}; ${one.sql(statement)}`;
        await this.#writer.query(sql).catch(() => {});
      }
      await sleep(2); // the rows share their servers with everything else
    }
  }

  /** Has the configuration that the rows want from now on; true where it is another one. */
  configure(wanted: (row: Row) => Tables | undefined): boolean {
    const changed = this.rows.flatMap((one) => {
      const tables = wanted(one.row);
      return tables ? [one.place(tables)] : [];
    });
    this.trial.tables = Object.assign({}, this.trial.tables, ...changed);
    return changed.length > 0;
  }

  /** The last change of all: a poll that saw it has seen everything before. Resolves once the table is copied anew. */
  async isSeen(service: Service): Promise<void> {
    const { generation } = (await service.status()).tables['public.sentinel']!;
    await this.trial.source.query(`ALTER TABLE sentinel ALTER v TYPE text USING id || 'again'`);
    await service.copiesAnew('public.sentinel', generation, 300_000);
  }

  /** In words, per table; empty where the twin is as it must be. */
  async differences(tables: Tables): Promise<readonly unknown[]> {
    const { sourceUrl, twinUrl } = this.trial;
    return await differences({ source: sourceUrl, twin: twinUrl, tables, key: KEY });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#client.end();
    await this.#writer.end();
    await this.trial[Symbol.asyncDispose]();
  }
}
