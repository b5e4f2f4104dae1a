import { randomUUID } from 'node:crypto';
import { lstat, mkdir, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';
import { PgveilError } from '../../../src/core/errors.ts';
import { Gate } from './gate.ts';
import { Scans } from './scan.ts';
import { SpareMemory } from './spare-memory.ts';
import { Turn } from './turn.ts';

/** What it may hold by itself, in MB, where nothing else is said; what is more it puts into its folder. */
const MEMORY_MB = 96;
/** A file in the making is there as a table, as columns, as pages and compressed, and none of that can be put aside. */
const FILE_SHARE = 4;

/** DuckDB in this process, which writes and reads Parquet, and a private folder for files on their way. */
export class Duck {
  readonly #instance: DuckDBInstance;
  readonly #folder: string;
  readonly #memoryMb: number;
  /** For rows on their way. */
  readonly spare = new SpareMemory();
  /** What the table function of the name `scan` reads. */
  readonly scans = new Scans();
  /** Of files whose rows are converted: with one after another the event loop converts for one while DuckDB compresses the one before. */
  readonly converting = new Turn();

  private constructor(instance: DuckDBInstance, folder: string, memoryMb: number) {
    this.#instance = instance;
    this.#folder = folder;
    this.#memoryMb = memoryMb;
  }

  /** Empties `folder` first: of what a killed process left there, and of an instance's that this one overtakes. */
  static async open(folder: string, memoryMb = MEMORY_MB): Promise<Duck> {
    const own = join(await emptied(folder), randomUUID());
    await mkdir(own);
    const instance = await DuckDBInstance.create(':memory:', {
      threads: '1', // beside our own thread, which converts: more would be taken from the source and the other sinks
      memory_limit: `${memoryMb}MB`,
      preserve_insertion_order: 'false', // one thread keeps it; to make sure of it DuckDB would gather what it could write
      temp_directory: join(own, 'spilled'),
      // Nothing is downloaded, ever: what is needed is built in.
      autoinstall_known_extensions: 'false',
      autoload_known_extensions: 'false',
    });
    const duck = new Duck(instance, own, memoryMb);
    const connection = await duck.connect();
    duck.scans.register(connection); // for all connections
    connection.closeSync();
    return duck;
  }

  /** Whoever connects lets go of it before `close`. */
  async connect(): Promise<DuckDBConnection> {
    return await this.#instance.connect();
  }

  /** Runs `work`, which may write into the folder, on a connection of its own. `close` waits for it. */
  async with<T>(work: (connection: DuckDBConnection) => Promise<T>): Promise<T> {
    if (this.#isClosed) throw new PgveilError('lake_away', 'closed');
    const running = this.#connected(work);
    this.#running.add(running);
    try {
      return await running;
    } finally {
      this.#running.delete(running);
    }
  }

  async #connected<T>(work: (connection: DuckDBConnection) => Promise<T>): Promise<T> {
    const connection = await this.connect();
    try {
      return await work(connection);
    } finally {
      connection.closeSync();
    }
  }

  /**
   * Makes a file, or another one beside it where the memory of both is small: while one waits for our event loop, which converts its rows,
   * the other one compresses. Each on a connection of its own.
   */
  async inTurn<T>(bytes: number, work: (connection: DuckDBConnection) => Promise<T>): Promise<T> {
    await this.#gate.enter(bytes);
    try {
      return await this.with(async (connection) => {
        const needed = this.#memoryMb + Math.ceil((FILE_SHARE * this.#gate.bytes) / 1e6);
        // It gives back what is free, too: the C library would keep that, for each of its threads.
        await connection.run(`SET memory_limit = '${needed}MB'`);
        return await work(connection);
      });
    } finally {
      this.#gate.leave(bytes);
    }
  }

  readonly #gate = new Gate();
  readonly #running = new Set<Promise<unknown>>();
  #isClosed = false;

  /** A path in the folder that nothing has yet. Whoever writes there removes it. */
  path(extension: string): string {
    return join(this.#folder, `${randomUUID()}.${extension}`);
  }

  /** What still waits for its turn is refused: rows of it would lie in a folder that nobody removes. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.allSettled(this.#running);
    this.#instance.closeSync();
    await remove(this.#folder);
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
  for (const name of await readdir(folder)) await remove(join(folder, name));
  return folder;
}

/** Under another name first: an instance that was overtaken may still write there, by the name that it knows. */
async function remove(path: string): Promise<void> {
  const gone = `${path}.gone`;
  await rename(path, gone).catch((error) => {
    if (error.code !== 'ENOENT') throw error;
  });
  await rm(gone, { recursive: true, force: true });
}
