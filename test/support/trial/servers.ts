import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { assertNoSighting, type Canary, scanBytes, scanPath } from '../judge/canary.ts';
import type { Tables } from '../judge/decisions.ts';
import { chosenMajors, type Major } from '../postgres/majors.ts';
import { createDatabase, type PostgresServer, startPostgres } from '../postgres/postgres.ts';
import { freePort } from '../postgres/ready.ts';
import { Trial } from './trial.ts';
import { spareOf, type TrialOptions } from './trial-configuration.ts';

export interface ServersOptions {
  /** By default the newest of those that the tests run on; majors.test.ts is about all of them. */
  readonly source?: Major;
  readonly twin?: Major;
  readonly sourceSettings?: Readonly<Record<string, string>>;
  readonly twinSettings?: Readonly<Record<string, string>>;
  /** Where their files are, if not beside those of all others. */
  readonly directories?: { readonly source?: string | undefined; readonly twin?: string | undefined };
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
      startPostgres({
        major: options.source ?? chosenMajors().at(-1)!,
        settings,
        own: true,
        directory: options.directories?.source,
      }),
      startPostgres({
        major: options.twin ?? chosenMajors().at(-1)!,
        settings: { ...options.twinSettings },
        own: true,
        directory: options.directories?.twin,
      }),
    ]);
    return new Servers(source, twin);
  }

  /** A fresh database on each, `setup` (SQL) run on the source, and a configuration with these decisions. */
  async trial(setup: string, tables: Tables, options: Partial<TrialOptions> = {}): Promise<Trial> {
    const name = `trial${++this.#trials}`;
    await Promise.all([createDatabase(this.source, name), createDatabase(this.twin, name)]);
    if (options.spare) await createDatabase(this.twin, spareOf(name));
    const directory = await mkdtemp(join(tmpdir(), 'pgveil-trial-'));
    const clients = { source: await this.source.connect(name), twin: await this.twin.connect(name) };
    await clients.source.query(setup);
    return new Trial(this, name, clients, directory, await freePort(), { tables, ...options });
  }

  /**
   * Fails if a canary is in any file or log of the twin's server, whichever trial it was of: heap, indexes, catalogs and WAL.
   * For the end of a file: it takes seconds. `wal_keep_size` on the twin keeps all of the WAL until then.
   */
  async assertNoLeak(canaries: readonly Canary[]): Promise<void> {
    await this.twin.query('CHECKPOINT');
    assertNoSighting([
      ...(await scanPath(this.twin.dataDirectory, canaries)),
      ...scanBytes(await this.twin.log(), canaries, 'the log of the twin'),
    ]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([this.source[Symbol.asyncDispose](), this.twin[Symbol.asyncDispose]()]);
  }
}
