import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type pg from 'pg';
import type { Tables } from './decisions.ts';
import { type Major, newestMajor } from './majors.ts';
import { differences } from './oracle.ts';
import { createDatabase, type PostgresServer, startPostgres } from './postgres.ts';
import { freePort } from './postgres-ready.ts';
import { runPgveil, startPgveil } from './process.ts';
import { Service, type Status } from './service.ts';
import { until } from './wait.ts';

/** The redaction key of all trials. */
export const KEY = Buffer.alloc(32, 'not a secret: for tests alone');

export interface ServersOptions {
  readonly source?: Major;
  readonly twin?: Major;
  readonly sourceSettings?: Readonly<Record<string, string>>;
  readonly twinSettings?: Readonly<Record<string, string>>;
}

/** A source and a twin, both our own: a test stops them, reads their disks and logs. A test file starts them once. */
export class Servers implements AsyncDisposable {
  readonly source: PostgresServer;
  readonly twin: PostgresServer;
  #trials = 0;

  private constructor(source: PostgresServer, twin: PostgresServer) {
    this.source = source;
    this.twin = twin;
  }

  static async start(options: ServersOptions = {}): Promise<Servers> {
    const settings = {
      wal_level: 'logical',
      max_replication_slots: '20',
      max_wal_senders: '20',
      ...options.sourceSettings,
    };
    const [source, twin] = await Promise.all([
      startPostgres({ major: options.source ?? newestMajor, settings, own: true }),
      startPostgres({ major: options.twin ?? newestMajor, settings: { ...options.twinSettings }, own: true }),
    ]);
    return new Servers(source, twin);
  }

  /** A fresh database on each, `setup` (SQL) run on the source, and a configuration with these decisions. */
  async trial(setup: string, tables: Tables, options: Partial<TrialOptions> = {}): Promise<Trial> {
    const name = `trial${++this.#trials}`;
    await Promise.all([createDatabase(this.source, name), createDatabase(this.twin, name)]);
    const directory = await mkdtemp(join(tmpdir(), 'pgveil-trial-'));
    const clients = { source: await this.source.connect(name), twin: await this.twin.connect(name) };
    await clients.source.query(setup);
    return new Trial(this, name, clients, directory, await freePort(), { tables, ...options });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([this.source[Symbol.asyncDispose](), this.twin[Symbol.asyncDispose]()]);
  }
}

export interface TrialOptions {
  readonly tables: Tables;
  readonly memory?: string;
  readonly workers?: number;
  /** More keys of the configuration's `sinks.twin`. */
  readonly sink?: Readonly<Record<string, unknown>>;
}

/** One pipeline on databases of its own: its configuration file, its processes, and the check whether the twin is right. */
export class Trial implements AsyncDisposable {
  readonly name: string;
  /** Sessions of the superuser's on either database. */
  readonly source: pg.Client;
  readonly twin: pg.Client;
  readonly #servers: Servers;
  readonly #directory: string;
  readonly #port: number;
  readonly #started: Service[] = [];
  #options: TrialOptions;

  constructor(
    servers: Servers,
    name: string,
    clients: { source: pg.Client; twin: pg.Client },
    directory: string,
    port: number,
    options: TrialOptions,
  ) {
    this.#servers = servers;
    this.name = name;
    this.source = clients.source;
    this.twin = clients.twin;
    this.#directory = directory;
    this.#port = port;
    this.#options = options;
  }

  get slot(): string {
    return `pgveil_${this.name}`;
  }

  get sourceUrl(): string {
    return this.#servers.source.url(this.name);
  }

  get twinUrl(): string {
    return this.#servers.twin.url(this.name);
  }

  get tables(): Tables {
    return this.#options.tables;
  }

  /** What the configuration file says; a test may change it and start with its own. */
  configuration(): Record<string, unknown> {
    const { tables, memory = '256MB', workers = 2, sink } = this.#options;
    return {
      version: 1,
      name: this.name,
      key: KEY.toString('base64'),
      source: { url: this.sourceUrl, snapshot: { workers } },
      tables,
      sinks: { twin: { type: 'postgres', url: this.twinUrl, ...sink } },
      memory,
      http: { listen: `127.0.0.1:${this.#port}` },
    };
  }

  /** Decides anew; the next start has it. */
  decide(tables: Tables): void {
    this.#options = { ...this.#options, tables };
  }

  /** Writes a configuration (JSON is YAML) and returns the file's path. */
  async write(configuration: unknown, file = 'pgveil.yaml'): Promise<string> {
    const path = join(this.#directory, file);
    await writeFile(path, typeof configuration === 'string' ? configuration : JSON.stringify(configuration, null, 2));
    return path;
  }

  /** Runs `pgveil COMMAND… -c FILE` to its end. */
  async command(command: readonly string[], timeout = 90_000): Promise<Awaited<ReturnType<typeof runPgveil>>> {
    const file = await this.write(this.configuration());
    return await runPgveil([...command, '-c', file], { timeout });
  }

  /** Starts the service. `fault`: as PGVEIL_FAULT has it; `port`: where it listens, for a second instance. */
  async run({ fault = '', port = this.#port } = {}): Promise<Service> {
    const file = await this.write({ ...this.configuration(), http: { listen: `127.0.0.1:${port}` } }, `${port}.yaml`);
    const service = new Service(startPgveil(['run', '-c', file], { env: { PGVEIL_FAULT: fault } }), port);
    this.#started.push(service);
    return service;
  }

  /** The service, once every table streams. */
  async stream(): Promise<Service> {
    const service = await this.run();
    await service.isReady();
    return service;
  }

  /** `run --until-caught-up`: everything committed by now is in the twin. Exit code 3 where a table is halted. */
  async catchUp(code = 0): Promise<void> {
    const ended = await this.command(['run', '--until-caught-up']);
    assert.equal(ended.code, code, `pgveil said:\n${ended.stdout}\n${ended.stderr}`);
  }

  /** Resolves once the running service holds everything committed by now durably. */
  async holdsAll(service: Service, timeout = 30_000): Promise<Status> {
    const end = await this.sourceEnd();
    const holds = ({ position }: Status) => position !== null && lsn(position) >= end;
    return await service.reaches('a position at the end of the source', holds, timeout);
  }

  /** Where the source's durable WAL ends. */
  async sourceEnd(): Promise<bigint> {
    const { rows } = await this.source.query('SELECT pg_current_wal_flush_lsn() AS lsn');
    return lsn(rows[0].lsn);
  }

  /** The slot's confirmed_flush_lsn; null without a slot. */
  async confirmed(): Promise<bigint | null> {
    const sql = 'SELECT confirmed_flush_lsn AS lsn FROM pg_replication_slots WHERE slot_name = $1';
    const { rows } = await this.source.query(sql, [this.slot]);
    return rows[0]?.lsn ? lsn(rows[0].lsn) : null;
  }

  /** Fails unless the twin is redact(source), row by row. Both must be quiet. */
  async assertEqual(tables = this.tables): Promise<void> {
    assert.deepEqual(await differences({ source: this.sourceUrl, twin: this.twinUrl, tables, key: KEY }), []);
  }

  /** Ends what was started and gives the slot back. */
  async [Symbol.asyncDispose](): Promise<void> {
    for (const service of this.#started) await service[Symbol.asyncDispose]();
    await Promise.all([this.source.end(), this.twin.end()]);
    await dropSlot(this.#servers.source, this.slot);
    await rm(this.#directory, { recursive: true, force: true });
  }
}

/** A killed process's walsender may live a moment longer than the process. */
async function dropSlot(source: PostgresServer, slot: string): Promise<void> {
  await until(
    async () => {
      const [found] = await source.query('SELECT active_pid FROM pg_replication_slots WHERE slot_name = $1', {
        values: [slot],
      });
      if (!found) return true;
      const release = found.active_pid ? 'pg_terminate_backend($1::int)' : 'pg_drop_replication_slot($1)';
      await source.query(`SELECT ${release}`, { values: [found.active_pid ?? slot] }).catch(() => {});
      return false;
    },
    { what: `slot ${slot} to be dropped` },
  );
}

/** `0/16B3748` as a number to compare by. */
export function lsn(text: string): bigint {
  const [high = '', low = ''] = text.split('/');
  return (BigInt(`0x${high}`) << 32n) | BigInt(`0x${low}`);
}
