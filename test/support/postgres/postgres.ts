// Real Postgres servers for tests, benches and the demo: `await using server = await startPostgres({ major: 18 })`.
import pg from 'pg';
import type { Cluster } from './cluster.ts';
import { dockerImage, startDockerCluster } from './docker-cluster.ts';
import { givenAddress, useGivenCluster } from './given-cluster.ts';
import { dataTemplate, startLocalCluster } from './local-cluster.ts';
import { type Major, newestMajor } from './majors.ts';

export interface PostgresOptions {
  major?: Major;
  /** As in postgresql.conf: `{ wal_level: 'logical' }`. `{ fsync: 'off' }` where a test writes much and loses nothing by it. */
  settings?: Record<string, string>;
  /** The test stops it, reads its disk or its log: never a server that was given by address. */
  own?: boolean;
  /** Where its files are, if not beside those of all others. */
  directory?: string | undefined;
}

export interface QueryOptions {
  database?: string;
  values?: unknown[];
}

/** As `pg_ctl stop -m` has them. */
export type StopMode = 'smart' | 'fast' | 'immediate';

const stopSignals: Record<StopMode, NodeJS.Signals> = { smart: 'SIGTERM', fast: 'SIGINT', immediate: 'SIGQUIT' };

/** In this order: the address in PGVEIL_TEST_POSTGRES_18, a container where Docker answers, the binaries from npm. */
export async function startPostgres(options: PostgresOptions = {}): Promise<PostgresServer> {
  const { major = newestMajor, settings = {}, own = false, directory } = options;
  return new PostgresServer(major, await startCluster(major, settings, own, directory));
}

/** Downloads what the first server of this major would, and says in words where its servers come from. */
export async function preparePostgres(major: Major): Promise<string> {
  const given = givenAddress(major) ? 'the given address, and where a test needs its own, from ' : '';
  const image = await dockerImage(major);
  if (!image) await dataTemplate(major);
  return given + (image ? `Docker's ${image}` : 'npm');
}

async function startCluster(
  major: Major,
  settings: Record<string, string>,
  own: boolean,
  directory: string | undefined,
): Promise<Cluster> {
  const given = own ? null : await useGivenCluster(major, settings);
  if (given) return given;
  const image = await dockerImage(major);
  const start = image ? startDockerCluster.bind(null, major, image) : startLocalCluster.bind(null, major);
  return await start(settings, directory);
}

export class PostgresServer implements AsyncDisposable {
  readonly major: Major;
  readonly #cluster: Cluster;

  constructor(major: Major, cluster: Cluster) {
    this.major = major;
    this.#cluster = cluster;
  }

  get port(): number {
    return Number(this.#cluster.address.port || 5432);
  }

  /** Of the postmaster; a new one after each start. */
  get pid(): number {
    return this.#cluster.pid();
  }

  /** False also where it ended by itself. */
  async isRunning(): Promise<boolean> {
    return await this.#cluster.isRunning();
  }

  get dataDirectory(): string {
    return this.#cluster.dataDirectory();
  }

  /** The superuser's address of a database, to give to pgveil or any client. */
  url(database = 'postgres'): string {
    const address = new URL(this.#cluster.address);
    address.pathname = encodeURIComponent(this.databaseName(database));
    return address.href;
  }

  /** What the database is called on the server; only on a given one, which others use too, is that not its own name. */
  databaseName(database: string): string {
    return this.#cluster.databasePrefix + database;
  }

  /** A session of the superuser's; end it, or declare it with `await using`. */
  async connect(database?: string): Promise<pg.Client & AsyncDisposable> {
    const client = new pg.Client({ connectionString: this.url(database) });
    client.on('error', () => {}); // a stopped server: the next query says so, and an event nobody hears ends the process
    try {
      await client.connect();
    } catch (error) {
      const lost = await this.#cluster.lost();
      throw lost ? new Error(lost, { cause: error }) : error;
    }
    return Object.assign(client, { [Symbol.asyncDispose]: () => client.end() });
  }

  /** Runs one statement, or several without values, in a session of its own; gives the rows of the last. */
  // biome-ignore lint/suspicious/noExplicitAny: the test knows what it selected
  async query<Row = any>(sql: string, { database, values }: QueryOptions = {}): Promise<Row[]> {
    await using client = await this.connect(database);
    const result: pg.QueryResult | pg.QueryResult[] = await client.query(sql, values);
    return [result].flat().at(-1)!.rows as Row[];
  }

  /** Everything the server logged so far. */
  async log(): Promise<string> {
    return await this.#cluster.log();
  }

  /** Resolves once the postmaster has ended; rejects after PATIENCE_MS. */
  async stop(mode: StopMode = 'fast'): Promise<void> {
    await this.#cluster.stop(stopSignals[mode]);
  }

  /** Resolves once it accepts connections, with the same port, data and settings. */
  async start(): Promise<void> {
    await this.#cluster.start();
  }

  async restart(mode: StopMode = 'fast'): Promise<void> {
    await this.stop(mode);
    await this.start();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#cluster.remove();
  }
}

/** Creates a database and returns its address; `server.url(name)` and `{ database: name }` know it by the same name. */
export async function createDatabase(server: PostgresServer, name: string): Promise<string> {
  await server.query(`CREATE DATABASE ${pg.escapeIdentifier(server.databaseName(name))}`);
  return server.url(name);
}
