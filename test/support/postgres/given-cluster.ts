// A cluster that somebody runs for us: PGVEIL_TEST_POSTGRES_18=postgres://superuser:password@host:port. Our databases are
// created in it under names of their own, and dropped, with their slots.
import { randomBytes } from 'node:crypto';
import pg from 'pg';
import type { Cluster } from './cluster.ts';
import type { Major } from './majors.ts';

/** The address given for this major, if any. */
export function givenAddress(major: Major): string | undefined {
  return process.env[`PGVEIL_TEST_POSTGRES_${major}`] || undefined;
}

/** Null where none is given, or the given one has other settings than the test needs: they cannot be changed from here. */
export async function useGivenCluster(major: Major, settings: Record<string, string>): Promise<Cluster | null> {
  const given = givenAddress(major);
  if (!given) return null;
  const cluster = new GivenCluster(major, given);
  const difference = await cluster.compare(settings);
  if (difference) {
    process.stderr.write(`PGVEIL_TEST_POSTGRES_${major} is not used for this test: ${difference}\n`);
    return null;
  }
  await cluster.createDefaultDatabase();
  return cluster;
}

class GivenCluster implements Cluster {
  readonly address: URL;
  readonly databasePrefix = `pgveil_${randomBytes(4).toString('hex')}_`;
  readonly #major: Major;
  readonly #given: string;

  constructor(major: Major, given: string) {
    this.#major = major;
    this.#given = given;
    this.address = new URL(given);
    this.address.pathname = '';
  }

  /** The first setting that is not as wanted, in words. */
  async compare(settings: Record<string, string>): Promise<string | null> {
    const [server] = await this.#query(`SELECT current_setting('server_version_num')::int / 10000 AS major`);
    if (server?.major !== this.#major) {
      throw new Error(`PGVEIL_TEST_POSTGRES_${this.#major} is the address of a Postgres ${server?.major}`);
    }
    for (const [name, wanted] of Object.entries(settings)) {
      const [found] = await this.#query('SELECT current_setting($1) AS value', [name]);
      if (found?.value !== wanted) return `it has ${name} = ${found?.value}, not ${wanted}`;
    }
    return null;
  }

  async createDefaultDatabase(): Promise<void> {
    await this.#query(`CREATE DATABASE "${this.databasePrefix}postgres"`);
  }

  async isRunning(): Promise<boolean> {
    return true;
  }

  pid(): number {
    throw this.#notOurs('signal');
  }

  dataDirectory(): string {
    throw this.#notOurs('read on disk');
  }

  async start(): Promise<void> {
    throw this.#notOurs('start');
  }

  async stop(): Promise<void> {
    throw this.#notOurs('stop');
  }

  async lost(): Promise<null> {
    return null;
  }

  async log(): Promise<string> {
    throw this.#notOurs('read the log of');
  }

  async remove(): Promise<void> {
    const ours = `starts_with(database, '${this.databasePrefix}')`;
    await this.#query(
      `SELECT pg_terminate_backend(active_pid, 5000) FROM pg_replication_slots WHERE ${ours} AND active`,
    );
    await this.#query(`SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE ${ours}`);
    const names = `SELECT datname FROM pg_database WHERE starts_with(datname, '${this.databasePrefix}')`;
    for (const { datname } of await this.#query(names)) await this.#query(`DROP DATABASE "${datname}" WITH (FORCE)`);
  }

  #notOurs(verb: string): Error {
    return new Error(
      `the server at PGVEIL_TEST_POSTGRES_${this.#major} is not ours to ${verb}: start this one with { own: true }`,
    );
  }

  async #query(sql: string, values: unknown[] = []): Promise<Record<string, unknown>[]> {
    const client = new pg.Client({ connectionString: this.#given });
    await client.connect();
    try {
      return (await client.query(sql, values)).rows;
    } finally {
      await client.end();
    }
  }
}
