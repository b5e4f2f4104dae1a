import { join } from 'node:path';
import { freePort } from '../test/support/postgres/ready.ts';
import { type PgveilProcess, runPgveil, startPgveil } from '../test/support/trial/process.ts';
import { until } from '../test/support/wait.ts';
import type { Processes } from './cpu.ts';
import type { Follower } from './follower.ts';
import { seen } from './seen.ts';
import type { Servers } from './servers.ts';

export interface Settings {
  /** A file beside this one. */
  readonly configuration: string;
  /** The twin's. */
  readonly database: Follower['database'];
  readonly slot: string;
  /** What the file asks for besides what all of them do. */
  readonly environment: Readonly<Record<string, string>>;
}

const USUAL: Settings = { configuration: 'pgveil.yaml', database: 'ours', slot: 'pgveil_bench', environment: {} };

/** pgveil as anybody runs it: its command line and a configuration. */
export class Pgveil implements Follower {
  readonly database: Follower['database'];
  readonly key = 'source_primary_key';
  readonly slot: string;
  readonly #servers: Servers;
  readonly #settings: Settings;
  readonly #configuration: string;
  #process: PgveilProcess | null = null;
  #hasEnded = false;
  #listen = '';

  constructor(servers: Servers, settings: Partial<Settings> = {}) {
    this.#servers = servers;
    this.#settings = { ...USUAL, ...settings };
    this.database = this.#settings.database;
    this.slot = this.#settings.slot;
    this.#configuration = join(import.meta.dirname, this.#settings.configuration);
  }

  async prepare(): Promise<void> {
    await this.start('--until-caught-up');
    await this.ended();
  }

  async start(...flags: string[]): Promise<void> {
    this.#listen = `127.0.0.1:${await freePort()}`;
    const started = startPgveil(['run', '-c', this.#configuration, '--json', ...flags], { env: this.#environment });
    this.#process = started;
    this.#hasEnded = false;
    started.exited.then(() => {
      this.#hasEnded = true;
    });
  }

  async stop(): Promise<void> {
    this.#running.kill('SIGTERM');
    await this.ended();
  }

  /** Resolves when it has ended; rejects unless that was in good order. */
  async ended(): Promise<void> {
    const pgveil = this.#running;
    const said = () => `it said\n${pgveil.output}`;
    const { code } = await until(() => pgveil.exited, { what: () => `pgveil to end; ${said()}`, timeout: 60_000 });
    if (code !== 0) throw new Error(`pgveil ended with exit code ${code}; ${said()}`);
  }

  async processes(): Promise<Processes> {
    const rows = await this.#servers.query<{ pid: number }>(
      this.database,
      "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND application_name LIKE 'pgveil%'",
    );
    return { process: [this.#running.pid], twin_backend: rows.map(({ pid }) => pid) };
  }

  assertRunning(): void {
    if (this.#hasEnded) throw new Error(`pgveil ended by itself; it said\n${this.#running.output}`);
  }

  /** Resolves with the time when a look first gave true; rejects when it ends meanwhile. */
  async shows(what: string, look: () => Promise<boolean>): Promise<number> {
    return await seen(`pgveil: ${what}`, async () => {
      this.assertRunning();
      return await look();
    });
  }

  /** Resolves once every table streams. */
  async streams(): Promise<void> {
    await this.shows('every table to stream', async () => {
      const ready = await fetch(`http://${this.#listen}/ready`).catch(() => null);
      return ready?.status === 200;
    });
  }

  /** Resolves when it has taken the order. */
  async recopy(table: string): Promise<void> {
    const asked = await runPgveil(['recopy', table, '-c', this.#configuration], { env: this.#environment });
    if (asked.code !== 0) throw new Error(`pgveil recopy ended with exit code ${asked.code}: ${asked.stderr}`);
  }

  get #environment(): Record<string, string> {
    return {
      PGVEIL_KEY: Buffer.alloc(32, 'a key for benches, and no secret').toString('base64'),
      SOURCE_URL: this.#servers.url('source'),
      TWIN_URL: this.#servers.url(this.database),
      LISTEN: this.#listen,
      ...this.#settings.environment,
    };
  }

  get pid(): number {
    return this.#running.pid;
  }

  get #running(): PgveilProcess {
    if (!this.#process) throw new Error('pgveil was not started');
    return this.#process;
  }
}
