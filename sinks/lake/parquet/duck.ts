import { randomUUID } from 'node:crypto';
import { lstat, mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';
import { PgveilError } from '../../../src/core/errors.ts';
import { Gate } from './gate.ts';
import { Scans } from './scan.ts';
import { SpareMemory } from './spare-memory.ts';
import { Turn } from './turn.ts';

/** What it may hold by itself, in MB; what is more it puts into its folder. */
const MEMORY_MB = 96;
/** A file in the making is there as a table, as columns, as pages and compressed, and none of that can be put aside. */
const FILE_SHARE = 4;

/** DuckDB in this process, which writes and reads Parquet, and a private folder for files on their way. */
export class Duck {
  readonly #instance: DuckDBInstance;
  readonly #folder: string;
  /** For rows on their way. */
  readonly spare = new SpareMemory();
  /** What the table function of the name `scan` reads. */
  readonly scans = new Scans();
  /** Of files whose rows are converted: with one after another the event loop converts for one while DuckDB compresses the one before. */
  readonly converting = new Turn();

  private constructor(instance: DuckDBInstance, folder: string) {
    this.#instance = instance;
    this.#folder = folder;
  }

  /** Empties `folder` first: of what a killed process left there, and of an instance's that this one overtakes. */
  static async open(folder: string): Promise<Duck> {
    const own = join(await emptied(folder), randomUUID());
    await mkdir(own);
    const instance = await DuckDBInstance.create(':memory:', {
      threads: '1', // beside our own thread, which converts: more would be taken from the source and the other sinks
      memory_limit: `${MEMORY_MB}MB`,
      preserve_insertion_order: 'false', // one thread keeps it; to make sure of it DuckDB would gather what it could write
      temp_directory: join(own, 'spilled'),
      // Nothing is downloaded, ever: what is needed is built in.
      autoinstall_known_extensions: 'false',
      autoload_known_extensions: 'false',
    });
    const duck = new Duck(instance, own);
    const connection = await duck.connect();
    duck.scans.register(connection); // for all connections
    connection.closeSync();
    return duck;
  }

  async connect(): Promise<DuckDBConnection> {
    return await this.#instance.connect();
  }

  /**
   * Makes a file, or another one beside it where the memory of both is small: while one waits for our event loop, which converts its rows,
   * the other one compresses. Each on a connection of its own.
   */
  async inTurn<T>(bytes: number, work: (connection: DuckDBConnection) => Promise<T>): Promise<T> {
    await this.#gate.enter(bytes);
    try {
      const connection = await this.connect();
      try {
        const needed = MEMORY_MB + Math.ceil((FILE_SHARE * this.#gate.bytes) / 1e6);
        // It gives back what is free, too: the C library would keep that, for each of its threads.
        await connection.run(`SET memory_limit = '${needed}MB'`);
        return await work(connection);
      } finally {
        connection.closeSync();
      }
    } finally {
      this.#gate.leave(bytes);
    }
  }

  readonly #gate = new Gate();

  /** A path in the folder that nothing has yet. Whoever writes there removes it. */
  path(extension: string): string {
    return join(this.#folder, `${randomUUID()}.${extension}`);
  }

  async close(): Promise<void> {
    this.#instance.closeSync();
    await rm(this.#folder, { recursive: true, force: true });
  }
}

/** Text as a SQL literal. */
export function literal(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

export function identifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** Rows lie in it, redacted ones, and nobody else has to read them. */
async function emptied(folder: string): Promise<string> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const { uid, mode } = await lstat(folder);
  if (uid !== (process.getuid?.() ?? uid) || (mode & 0o077) !== 0) {
    throw new PgveilError('lake_rights', 'the folder for temporary files is another user’s, or open to others');
  }
  for (const name of await readdir(folder)) await rm(join(folder, name), { recursive: true, force: true });
  return folder;
}
