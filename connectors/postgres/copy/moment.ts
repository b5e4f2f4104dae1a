import type pg from 'pg';
import type { Config } from '../../../config/config.ts';
import type { RawBatch } from '../../../src/core/batch.ts';
import type { Lsn } from '../../../src/core/lsn.ts';
import type { Observe } from '../../../src/core/observer.ts';
import type { Wanted } from '../../../src/core/source.ts';
import { readCatalogWithin } from '../catalog/catalog.ts';
import type { Asked, Reading } from '../catalog/reading.ts';
import { ask, endSession, openReader } from '../session.ts';
import { copyLimit } from '../shares.ts';
import { endOfWal, readWalEnd } from '../slot/wal-end.ts';
import { Turn } from '../turn.ts';
import { copyEverything } from './copy.ts';
import { Settling } from './settling.ts';

/** Fewer than a copy may have: whoever looks on must not be what production feels. */
const WORKERS = 2;
/** What is read of a chunk counts when the chunk is finished, and waits in memory until then. */
const CHUNK_BYTES = 16 * 1024 * 1024;

export interface Reader {
  /** As the configuration names it. */
  readonly table: string;
  readonly wanted: Wanted;
  /** Every reading is another one for the rules. */
  readonly generation: number;
  readonly observe: Observe;
  readonly signal: AbortSignal;
}

/** Tables as they were at one moment, until `close`: an ordinary snapshot, for which no slot is made and nothing is waited for. */
export class Moment {
  readonly reading: Reading;
  /** Everything that the snapshot shows was committed before it. */
  readonly end: Lsn;
  readonly #config: Config;
  readonly #asked: ReadonlyMap<string, Asked>;
  readonly #client: pg.Client;
  readonly #snapshot: string;

  private constructor(
    config: Config,
    asked: ReadonlyMap<string, Asked>,
    client: pg.Client,
    held: { readonly snapshot: string; readonly reading: Reading; readonly end: Lsn },
  ) {
    this.#config = config;
    this.#asked = asked;
    this.#client = client;
    this.#snapshot = held.snapshot;
    this.reading = held.reading;
    this.end = held.end;
  }

  static async open(config: Config, asked: ReadonlyMap<string, Asked>): Promise<Moment> {
    const client = await openReader(config.source.url, `pgveil ${config.name} verify`);
    try {
      await ask(client, 'BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY');
      const [row] = await ask<{ id: string }>(client, 'SELECT pg_export_snapshot() AS id');
      const reading = await readCatalogWithin(client, asked);
      const end = await endOfWal(() => readWalEnd(client));
      return new Moment(config, asked, client, { snapshot: row!.id, reading, end });
    } catch (error) {
      await endSession(client);
      throw error;
    }
  }

  /** One table, as a copy reads it: see copyEverything. May be called again. */
  read({ table, wanted, generation, observe, signal }: Reader): AsyncGenerator<RawBatch> {
    const { source, memory } = this.#config;
    return copyEverything({
      url: source.url,
      asked: new Map([[table, this.#asked.get(table)!]]),
      reading: { ...this.reading, tables: new Map([[table, this.reading.tables.get(table)!]]) },
      snapshot: this.#snapshot,
      transaction: { clsn: this.end, xid: null, commitTime: 0n },
      workers: Math.min(WORKERS, source.workers),
      memory: copyLimit(memory, 1),
      chunkBytes: CHUNK_BYTES,
      wanted,
      generationOf: () => generation,
      largeRow: new Turn(),
      settling: new Settling(),
      observe,
      signal,
    });
  }

  async close(): Promise<void> {
    await endSession(this.#client);
  }
}
