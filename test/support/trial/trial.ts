import assert from 'node:assert/strict';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type pg from 'pg';
import { assertNoSighting, type Canary, scanPath } from '../judge/canary.ts';
import type { Tables } from '../judge/decisions.ts';
import { differences } from '../judge/oracle.ts';
import type { PostgresServer } from '../postgres/postgres.ts';
import { PATIENCE_MS, until } from '../wait.ts';
import { runPgveil, startPgveil } from './process.ts';
import type { Servers } from './servers.ts';
import { Service, type Status } from './service.ts';
import { KEY, spareOf, type TrialOptions, trialConfiguration } from './trial-configuration.ts';

export interface RunOptions {
  /** As PGVEIL_FAULT has it. */
  readonly fault?: string;
  /** Where it listens; another one for a second instance. */
  readonly port?: number;
  readonly environment?: Readonly<Record<string, string>>;
  /** Keys of the configuration that are others for this run. */
  readonly configuration?: Readonly<Record<string, unknown>>;
  /** More of the command line. */
  readonly args?: readonly string[];
}

/** One pipeline on databases of its own: its configuration file, its processes, and the check whether the twin is right. */
export class Trial implements AsyncDisposable {
  readonly name: string;
  /** What the next start is configured with. */
  tables: Tables;
  key = KEY;
  /** Sessions of the superuser's on either database. */
  source: pg.Client;
  twin: pg.Client;
  readonly #servers: Servers;
  readonly #directory: string;
  readonly #port: number;
  readonly #started: Service[] = [];
  readonly #options: TrialOptions;

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
    this.tables = options.tables;
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

  get spareUrl(): string {
    return this.#servers.twin.url(spareOf(this.name));
  }

  /** The spare twin's database lets nobody in, and whoever is there is thrown out; or it does again. */
  async shutSpare(isShut: boolean): Promise<void> {
    const database = spareOf(this.name);
    await this.#servers.twin.query(`ALTER DATABASE ${database} ALLOW_CONNECTIONS ${!isShut}`);
    const sql = 'SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1';
    if (isShut) await this.#servers.twin.query(sql, { values: [database] });
  }

  /** What the configuration file says; a test may change it and start with its own. */
  configuration(): Record<string, unknown> {
    const { name, key, tables, sourceUrl: source, twinUrl: twin, spareUrl: spare } = this;
    const urls = { source, twin, spare };
    const place = { name, directory: this.#directory, port: this.#port, key, tables, urls };
    return trialConfiguration(place, this.#options);
  }

  /** A path in the directory that the service runs in. */
  file(name: string): string {
    return join(this.#directory, name);
  }

  /** Writes a configuration (JSON is YAML) and returns the file's path. */
  async write(configuration: unknown, file = 'pgveil.yaml'): Promise<string> {
    const path = this.file(file);
    await writeFile(path, typeof configuration === 'string' ? configuration : JSON.stringify(configuration, null, 2));
    return path;
  }

  /** Runs `pgveil COMMAND… -c FILE` with the trial's own configuration to its end. */
  async command(command: readonly string[], timeout = PATIENCE_MS): Promise<Ran> {
    return await this.pgveil([...command, '-c', await this.write(this.configuration())], timeout);
  }

  /** Runs `pgveil ARGS` to its end. */
  async pgveil(
    args: readonly string[],
    timeout = PATIENCE_MS,
    environment: RunOptions['environment'] = {},
  ): Promise<Ran> {
    const env = { ...this.#environment, ...environment };
    return await runPgveil([...args], { timeout, cwd: this.#directory, env });
  }

  /** Starts the service, in the directory of its configuration. */
  async run({
    fault = '',
    port = this.#port,
    environment = {},
    configuration,
    args = [],
  }: RunOptions = {}): Promise<Service> {
    const http = { listen: `127.0.0.1:${port}` };
    const file = await this.write({ ...this.configuration(), ...configuration, http }, `${port}.yaml`);
    const env = { PGVEIL_FAULT: fault, ...this.#environment, ...environment };
    const service = new Service(startPgveil(['run', '-c', file, ...args], { env, cwd: this.#directory }), port);
    this.#started.push(service);
    return service;
  }

  /** Another test file's trials have the same names: sockets and temporary files are of this one. */
  get #environment(): Record<string, string> {
    return { XDG_RUNTIME_DIR: this.#directory, TMPDIR: this.#directory, ...this.#options.environment };
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
  async holdsAll(service: Service, timeout = PATIENCE_MS): Promise<Status> {
    const end = await this.sourceEnd();
    // Where it is no commit of ours (a rollback, a record of the server's own), the position follows once that is worth a write.
    await this.source.query(`SELECT pg_logical_emit_message(false, 'test', repeat(' ', 100000))`);
    const holds = ({ position }: Status) => position !== null && lsn(position) >= end;
    return await service.reaches('a position at the end of the source', holds, timeout);
  }

  /** New sessions, where a server was restarted. */
  async reconnect(): Promise<void> {
    await Promise.all([this.source.end(), this.twin.end()]);
    this.source = await this.#servers.source.connect(this.name);
    this.twin = await this.#servers.twin.connect(this.name);
  }

  /** Where the source's durable WAL ends. */
  async sourceEnd(): Promise<bigint> {
    const { rows } = await this.source.query('SELECT pg_current_wal_flush_lsn() AS lsn');
    return lsn(rows[0].lsn);
  }

  /** The slot's confirmed_flush_lsn; null without a slot. */
  async confirmed(slot = this.slot): Promise<bigint | null> {
    const sql = 'SELECT confirmed_flush_lsn AS lsn FROM pg_replication_slots WHERE slot_name = $1';
    const { rows } = await this.source.query(sql, [slot]);
    return rows[0]?.lsn ? lsn(rows[0].lsn) : null;
  }

  /** Fails if a canary is in anything that the service said, answers or left behind, its crash included. */
  async assertSilent(canaries: readonly Canary[], service: Service): Promise<void> {
    assertNoSighting([...(await scanPath(this.#directory, canaries)), ...(await service.sightings(canaries))]);
  }

  /** Fails unless the twin is redact(source), row by row. Both must be quiet. */
  async assertEqual(tables = this.tables, twin = this.twinUrl): Promise<void> {
    assert.deepEqual(await differences({ source: this.sourceUrl, twin, tables, key: this.key }), []);
  }

  /** Fails if the source has a slot or publication of ours, or the twin any table. */
  async assertNothingMade(): Promise<void> {
    const made = await this.source.query(
      `SELECT slot_name AS made FROM pg_replication_slots WHERE slot_name = $1 UNION ALL SELECT pubname FROM pg_publication`,
      [this.slot],
    );
    assert.deepEqual(made.rows, []);
    await this.assertNothingMadeInTwin();
  }

  async assertNothingMadeInTwin(): Promise<void> {
    const { rows } = await this.twin.query(
      `SELECT c.oid::regclass::text AS made FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
       WHERE nspname NOT LIKE 'pg\\_%' AND nspname <> 'information_schema'`,
    );
    assert.deepEqual(rows, []);
  }

  /** The pipeline's slot and those of its sinks, by name. */
  async slots(): Promise<string[]> {
    const sql = `SELECT slot_name AS name FROM pg_replication_slots
      WHERE database = $1 AND slot_name LIKE 'pgveil_trial%' AND NOT temporary ORDER BY 1`;
    const rows = await this.#servers.source.query(sql, { values: [this.name] });
    return rows.map(({ name }) => name as string);
  }

  /** Ends what was started and gives the slot back. */
  async [Symbol.asyncDispose](): Promise<void> {
    for (const service of this.#started) await service[Symbol.asyncDispose]();
    await Promise.all([this.source.end(), this.twin.end()]);
    for (const slot of await this.slots()) await dropSlot(this.#servers.source, slot);
    await rm(this.#directory, { recursive: true, force: true });
  }
}

type Ran = Awaited<ReturnType<typeof runPgveil>>;

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
