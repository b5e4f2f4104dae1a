// Where the demo plays: real servers, the shop in one of them, and pgveil between. All of it goes away with the stage.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type pg from 'pg';
import { parse } from 'yaml';
import type { Tables } from '../test/support/judge/decisions.ts';
import { createDatabase, type PostgresServer, startPostgres } from '../test/support/postgres/postgres.ts';
import { freePort } from '../test/support/postgres/ready.ts';
import { Random } from '../test/support/random/prng.ts';
import { type PgveilProcess, startPgveil } from '../test/support/trial/process.ts';
import { until } from '../test/support/wait.ts';
import { Beside } from './beside.ts';
import { Ledger } from './ledger.ts';
import { RawValues } from './raw-values.ts';
import { openShop } from './shop.ts';
import { Writer } from './writer.ts';

const CONFIGURATION = join(import.meta.dirname, 'pgveil.yaml');
const DATABASE = 'shop';

/** The part of /status that the demo looks at. */
export interface Status {
  readonly tables: Readonly<Record<string, TableStatus>>;
  readonly trouble?: { readonly message: string };
}

export interface TableStatus {
  readonly state: 'waiting' | 'copying' | 'streaming' | 'halted';
  readonly rows: number | null;
  readonly progress?: { readonly bytes: number; readonly total_bytes: number };
  readonly halt?: { readonly code: string; readonly message: string };
}

interface Servers {
  readonly source: PostgresServer;
  readonly twin: PostgresServer;
  readonly beside: Beside;
}

export class Stage implements AsyncDisposable {
  /** The decisions as pgveil.yaml has them, read without pgveil. */
  readonly tables: Tables;
  readonly source: PostgresServer;
  readonly twin: PostgresServer;
  readonly beside: Beside;
  /** Always the same, so that the pseudonyms are, too. A real one is random and secret. */
  readonly key = Buffer.alloc(32, 'a key for the demo, and no secret');
  readonly raw: RawValues;
  /** All that pgveil ever wrote: it must not contain a raw value either. */
  readonly processes: PgveilProcess[] = [];
  readonly port: number;
  readonly #clients: pg.Client[] = [];

  private constructor(tables: Tables, servers: Servers, port: number) {
    this.tables = tables;
    this.source = servers.source;
    this.twin = servers.twin;
    this.beside = servers.beside;
    this.raw = new RawValues(tables);
    this.port = port;
  }

  /** Downloads what is missing, starts a source and all that is fed from it, and opens the shop. */
  static async set(): Promise<Stage> {
    const { tables } = parse(await readFile(CONFIGURATION, 'utf8')) as { tables: Tables };
    await using servers = new AsyncDisposableStack();
    const source = servers.use(await startPostgres({ own: true, settings: { wal_level: 'logical' } }));
    // The twin keeps all of its WAL, so that the search for raw values also sees what was there only for a moment.
    const twin = servers.use(await startPostgres({ own: true, settings: { wal_keep_size: '4GB' } }));
    const beside = servers.use(await Beside.start());
    const stage = new Stage(tables, { source, twin, beside }, await freePort());
    await Promise.all([createDatabase(source, DATABASE), createDatabase(twin, DATABASE)]);
    await openShop(await stage.connect('source'), stage.raw);
    servers.move();
    return stage;
  }

  url(side: 'source' | 'twin'): string {
    return this[side].url(DATABASE);
  }

  /** A session that ends with the stage. */
  async connect(side: 'source' | 'twin'): Promise<pg.Client> {
    const client = await this[side].connect(DATABASE);
    this.#clients.push(client);
    return client;
  }

  async writer(): Promise<Writer> {
    return new Writer(new Ledger(await this.connect('source'), this.raw), new Random(2));
  }

  /** pgveil itself, as anybody runs it: its command line, a configuration, and an environment. */
  pgveil(command: string, ...options: string[]): PgveilProcess {
    const env = {
      PGVEIL_KEY: this.key.toString('base64'),
      SOURCE_URL: this.url('source'),
      TWIN_URL: this.url('twin'),
      LISTEN: `127.0.0.1:${this.port}`,
      ...this.beside.environment,
    };
    const started = startPgveil([command, '-c', this.beside.configuration, ...options], { env });
    this.processes.push(started);
    return started;
  }

  /** Resolves at the signal; rejects when pgveil ends before that. */
  async lives(pgveil: PgveilProcess, signal: AbortSignal): Promise<void> {
    const asked = new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
    await Promise.race([pgveil.exited, asked]);
    if (!signal.aborted) throw new Error(`pgveil ended by itself; it said\n${pgveil.output}`);
  }

  /** Resolves once every table streams. */
  async streaming(pgveil: PgveilProcess, signal: AbortSignal): Promise<void> {
    const look = async () => {
      signal.throwIfAborted();
      const tables = Object.values((await this.status())?.tables ?? {});
      return tables.length > 0 && tables.every(({ state }) => state === 'streaming');
    };
    const what = () => `every table to stream; pgveil said\n${pgveil.output}`;
    await until(look, { what, interval: 50 });
  }

  /** Resolves once pgveil has ended, after this signal if one is given; rejects unless with exit code 0. */
  async ended(pgveil: PgveilProcess, signal?: NodeJS.Signals): Promise<void> {
    if (signal) pgveil.kill(signal);
    const said = () => `it said\n${pgveil.output}`;
    const { code } = await until(() => pgveil.exited, { what: () => `pgveil to end; ${said()}` });
    if (code !== 0) throw new Error(`pgveil ended with exit code ${code}; ${said()}`);
  }

  /** What the running pgveil says of itself; null as long as nobody answers. */
  async status(): Promise<Status | null> {
    const text = await this.page('/status');
    return text === null ? null : (JSON.parse(text) as Status);
  }

  async page(path: '/status' | '/metrics'): Promise<string | null> {
    try {
      const response = await fetch(`http://127.0.0.1:${this.port}${path}`, { signal: AbortSignal.timeout(5_000) });
      return await response.text();
    } catch {
      return null;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const process of this.processes) await process[Symbol.asyncDispose]();
    // A connection whose server Ctrl-C has reached first does not end in good order.
    await Promise.allSettled(this.#clients.map((client) => client.end()));
    await Promise.all([this.source, this.twin, this.beside].map((one) => one[Symbol.asyncDispose]()));
  }
}
