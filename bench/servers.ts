// The two servers that all runs of a bench share, and the databases that each run has for itself.
import type pg from 'pg';
import { createDatabase, type PostgresServer, startPostgres } from '../test/support/postgres/postgres.ts';
import type { Place } from './place.ts';

/**
 * The same on both servers, and the same for both sides of a comparison. Checkpoints and vacuums come at moments of their own,
 * in the middle of one side's turn and not of the other's: none comes by itself here, and a checkpoint before each turn.
 * All else, fsync and full-page writes among it, is as initdb leaves it.
 */
const SETTINGS = {
  wal_level: 'logical',
  shared_buffers: '512MB',
  max_wal_size: '16GB',
  checkpoint_timeout: '1h',
  autovacuum: 'off',
};

const SETTINGS_IN_WORDS = `Postgres 18 as source and as twin, both with ${Object.entries(SETTINGS)
  .map(([name, value]) => `${name}=${value}`)
  .join(', ')}`;

/** The source's database, and on the twin server one for each side of the comparison. */
export type Database = 'source' | 'ours' | 'reference';

export class Servers implements AsyncDisposable {
  readonly source: PostgresServer;
  readonly twin: PostgresServer;

  private constructor(source: PostgresServer, twin: PostgresServer) {
    this.source = source;
    this.twin = twin;
  }

  static async start(): Promise<Servers> {
    // A container has a network and process numbers of its own: the reference connects from one server to the other, and CPU
    // times are read from /proc.
    process.env.PGVEIL_TEST_DOCKER = 'never';
    await using started = new AsyncDisposableStack();
    const source = started.use(await startPostgres({ major: 18, own: true, settings: SETTINGS }));
    const twin = started.use(await startPostgres({ major: 18, own: true, settings: SETTINGS }));
    started.move();
    return new Servers(source, twin);
  }

  of(database: Database): PostgresServer {
    return database === 'source' ? this.source : this.twin;
  }

  url(database: Database): string {
    return this.of(database).url(database);
  }

  async connect(database: Database): Promise<pg.Client & AsyncDisposable> {
    return await this.of(database).connect(database);
  }

  async query<Row>(database: Database, sql: string, values: unknown[] = []): Promise<Row[]> {
    return await this.of(database).query<Row>(sql, { database, values });
  }

  /** Makes these databases, empty as if no run had been before. All that is left of the run before goes, slots included. */
  async renew(...databases: Database[]): Promise<void> {
    await this.source.query('SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots');
    for (const database of databases) {
      await this.of(database).query(`DROP DATABASE IF EXISTS ${database} WITH (FORCE)`);
      await createDatabase(this.of(database), database);
    }
  }

  /** What the disk would have to do later on was not caused by what comes next. */
  async checkpoint(): Promise<void> {
    await Promise.all([this.source.query('CHECKPOINT'), this.twin.query('CHECKPOINT')]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([this.source[Symbol.asyncDispose](), this.twin[Symbol.asyncDispose]()]);
  }
}

export const SERVERS: Place<Servers> = { inWords: SETTINGS_IN_WORDS, start: () => Servers.start() };
