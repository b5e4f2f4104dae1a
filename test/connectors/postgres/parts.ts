// What the tests of the source's copy half share: a database with a session that looks on, and a copy that is ready to be read.
import type pg from 'pg';
import { readCatalog, readCatalogWithin } from '../../../connectors/postgres/catalog/catalog.ts';
import type { Asked, Reading } from '../../../connectors/postgres/catalog/reading.ts';
import { copyEverything } from '../../../connectors/postgres/copy/copy.ts';
import { keepSnapshot } from '../../../connectors/postgres/copy/keeper.ts';
import type { CopyOptions } from '../../../connectors/postgres/copy/options.ts';
import { Settling } from '../../../connectors/postgres/copy/settling.ts';
import { endSession, openReader } from '../../../connectors/postgres/session.ts';
import { dropSlot, makeSlot } from '../../../connectors/postgres/slot/slot.ts';
import { Turn } from '../../../connectors/postgres/turn.ts';
import type { RawBatch } from '../../../src/core/batch.ts';
import type { Observation } from '../../../src/core/observer.ts';
import { Secret } from '../../../src/core/secret.ts';
import type { Table } from '../../../src/core/table.ts';
import { CELL_NULL, CellReader, type Tuple } from '../../../src/core/tuple.ts';
import { createDatabase, type PostgresServer } from '../../support/postgres/postgres.ts';

export const never = new AbortController().signal;

/** `public.t`, or anything else as `[schema, relation]`. */
export function ask(...tables: (string | [schema: string, relation: string])[]): Map<string, Asked> {
  const parts = tables.map((table) => (typeof table === 'string' ? table.split('.') : table));
  return new Map(
    parts.map(([schema, relation]) => [
      `${schema}.${relation}`,
      { schema: schema!, relation: relation!, key: null, publication: 'veil' },
    ]),
  );
}

let databases = 0;

/** A database of its own on a server that other tests use too. */
export class Database implements AsyncDisposable {
  readonly name: string;
  readonly url: Secret;
  readonly server: PostgresServer;
  /** As pgveil reads the source. */
  readonly observer: pg.Client;

  constructor(server: PostgresServer, name: string, url: Secret, observer: pg.Client) {
    this.server = server;
    this.name = name;
    this.url = url;
    this.observer = observer;
  }

  static async create(server: PostgresServer, sql = ''): Promise<Database> {
    const name = `t${++databases}`;
    const url = new Secret(await createDatabase(server, name));
    if (sql) await server.query(sql, { database: name });
    return new Database(server, name, url, await openReader(url, 'test'));
  }

  /** biome-ignore lint/suspicious/noExplicitAny: the test knows what it selected */
  async query<Row = any>(sql: string, values?: unknown[]): Promise<Row[]> {
    return await this.server.query<Row>(sql, { database: this.name, ...(values ? { values } : {}) });
  }

  /** The same database as another role sees it. */
  as(role: string): Secret {
    const url = new URL(this.url.reveal());
    url.username = role;
    return new Secret(url.href);
  }

  async read(asked: ReadonlyMap<string, Asked>): Promise<Reading> {
    return await readCatalog(this.observer, asked);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await endSession(this.observer);
  }
}

/** A copy whose snapshot is taken and kept, and of which nothing is read yet. */
export class PreparedCopy implements AsyncDisposable {
  readonly reading: Reading;
  readonly options: CopyOptions;
  readonly observations: Observation[] = [];
  /** In the snapshot. */
  readonly snapshot: pg.Client;
  readonly #dispose: () => Promise<void>;

  constructor(
    reading: Reading,
    options: Omit<CopyOptions, 'observe'>,
    snapshot: pg.Client,
    dispose: () => Promise<void>,
  ) {
    this.reading = reading;
    this.options = { ...options, observe: (observation) => this.observations.push(observation) };
    this.snapshot = snapshot;
    this.#dispose = dispose;
  }

  static async prepare(
    database: Database,
    asked: ReadonlyMap<string, Asked>,
    options: Partial<CopyOptions> = {},
  ): Promise<PreparedCopy> {
    const { url, observer, name } = database;
    const slot = await makeSlot({
      url,
      name,
      temporary: false,
      failover: null,
      observer,
      observe: () => {},
      patience: 20_000,
      signal: never,
    });
    const keeper = await keepSnapshot(url, slot.snapshot, never);
    await slot.release();
    const reading = await readCatalogWithin(keeper.client, asked);
    const transaction = { clsn: slot.consistentPoint, xid: null, commitTime: keeper.time };
    const wanted = (table: Table<'raw'>) => table.columns.map(() => true);
    const fixed = { url, asked, reading, snapshot: keeper.snapshot, transaction, generationOf: () => 7, signal: never };
    return new PreparedCopy(
      reading,
      { ...fixed, workers: 3, memory: 64 << 20, wanted, largeRow: new Turn(), settling: new Settling(), ...options },
      keeper.client,
      async () => {
        await keeper.close();
        await dropSlot(observer, name);
      },
    );
  }

  batches(): AsyncGenerator<RawBatch> {
    return copyEverything(this.options);
  }

  /** Reads it to its end. */
  async run(): Promise<Consumer> {
    const consumer = new Consumer();
    for await (const batch of this.batches()) consumer.take(batch);
    return consumer;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#dispose();
  }
}

type Row = (string | null)[];

/** Takes batches as a sink does, and throws where their order breaks the contract. */
export class Consumer {
  /** Per table, what happened to it: `defined`, `copy started`, … with the reason where it stopped. */
  readonly events = new Map<string, string[]>();
  /** Rows of finished chunks alone. */
  readonly #rows = new Map<string, Row[]>();
  readonly #open = new Map<string, Row[]>();
  readonly #closed = new Set<string>();
  /** All bytes of all tuples that ever came, of abandoned chunks too. */
  readonly bytes: Buffer[] = [];

  take(batch: RawBatch): void {
    for (const event of batch.events) {
      const name = 'name' in event ? event.name : event.table.name;
      if (event.type === 'chunk finished' || event.type === 'chunk abandoned') this.#endChunk(name, event);
      else this.#happened(name, event.type === 'stopped' ? `stopped: ${reasonOf(event.state)}` : event.type);
    }
    if (batch.changes.length > 0) this.#addRows(batch);
  }

  /** As texts, sorted: for comparing with what SQL says. */
  rows(name: string): string[] {
    return (this.#rows.get(name) ?? []).map((row) => JSON.stringify(row)).sort();
  }

  count(what: string): number {
    return [...this.events.values()].flat().filter((event) => event.startsWith(what)).length;
  }

  #happened(name: string, what: string): void {
    const events = this.events.get(name) ?? [];
    const last = events.at(-1);
    if (last === 'copy read' || last?.startsWith('stopped')) throw new Error(`${what} behind ${last}`);
    if (/^(copy read|stopped)/.test(what) && this.#open.size > 0) {
      for (const key of this.#open.keys())
        if (key.startsWith(`${name} `)) throw new Error(`${what} while ${key} is open`);
    }
    this.events.set(name, [...events, what]);
  }

  #addRows({ changes, chunk }: RawBatch): void {
    const key = `${chunk!.table.name} ${chunk!.number}`;
    const events = this.events.get(chunk!.table.name) ?? [];
    if (!events.includes('copy started')) throw new Error(`rows of ${key} before the copy started`);
    if (this.#closed.has(key) || /^(copy read|stopped)/.test(events.at(-1)!))
      throw new Error(`rows of ${key} too late`);
    const rows = this.#open.get(key) ?? [];
    this.#open.set(key, rows);
    for (const { after } of changes) rows.push(cellsOf(after!));
    for (const { after } of changes) this.bytes.push(after!.bytes.subarray(after!.start, after!.end));
  }

  #endChunk(name: string, event: { type: string; chunk: number }): void {
    const key = `${name} ${event.chunk}`;
    const rows = this.#open.get(key);
    if (!rows) throw new Error(`${event.type}: ${key} was never begun`);
    this.#open.delete(key);
    this.#closed.add(key);
    if (event.type === 'chunk finished') this.#rows.set(name, [...(this.#rows.get(name) ?? []), ...rows]);
    this.#happened(name, event.type);
  }
}

const reasonOf = (state: { state: string; reason?: string; code?: string }) =>
  state.reason ?? state.code ?? state.state;

/** The cells as text; the reader's own arithmetic shows that a tuple is exactly as long as it says. */
export function cellsOf(tuple: Tuple<'raw'>): Row {
  const reader = new CellReader();
  const cells: Row = [];
  let end = tuple.start + 2;
  for (let left = reader.open(tuple); left > 0; left--) {
    reader.next();
    cells.push(reader.kind === CELL_NULL ? null : reader.bytes.toString('utf8', reader.start, reader.end));
    end = reader.end;
  }
  if (end !== tuple.end) throw new Error('a tuple does not end where its last cell does');
  return cells;
}

/** What `sql` gives, every value as text, in the form of `Consumer.rows`. */
export async function textRows(client: pg.Client, sql: string): Promise<string[]> {
  const { rows } = await client.query<(string | null)[]>({ text: sql, rowMode: 'array' });
  return rows.map((row) => JSON.stringify(row)).sort();
}
