import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import type { Observe } from '../../../src/core/observer.ts';
import { readLeafSizes } from '../catalog/leaf-sizes.ts';
import type { TableReading } from '../catalog/reading.ts';
import { haltedBy } from '../catalog/stop.ts';
import { endSession } from '../session.ts';
import { CHUNK_BYTES } from './chunk.ts';
import { ChunkReader } from './chunk-reader.ts';
import type { CopyOptions } from './options.ts';
import { BatchQueue } from './queue.ts';
import type { Settled } from './settling.ts';
import { TableCopy } from './table-copy.ts';
import { Waiters } from './waiters.ts';
import { Worklist } from './worklist.ts';

/** Milliseconds that workers get to end their sessions. */
const FAREWELL_MS = 1000;

/** The workers of one copy, and what they share. */
export class Crew {
  readonly queue: BatchQueue;
  readonly #copies: readonly TableCopy[];
  readonly #worklist: Worklist;
  readonly #waiters: Waiters;
  readonly #readers: readonly ChunkReader[];
  readonly #observer: pg.Client;
  readonly #observe: Observe;
  readonly #over = new AbortController();
  #work: Promise<unknown> = Promise.resolve();

  /** `observer` is the crew's from here on. */
  constructor(options: CopyOptions, observer: pg.Client) {
    this.queue = new BatchQueue(options.memory);
    this.#observer = observer;
    this.#observe = options.observe;
    this.#copies = [...options.reading.tables].flatMap(([name, reading]) => this.#copyOf(name, reading, options) ?? []);
    this.#worklist = new Worklist(
      this.#copies.flatMap((copy) => copy.leaves.map((leaf) => ({ copy, chunk: { leaf, from: 0, to: null } }))),
    );
    this.#waiters = new Waiters(observer);
    const { url, snapshot, workers, largeRow, chunkBytes = CHUNK_BYTES } = options;
    const shared = {
      url,
      snapshot,
      observer,
      waiters: this.#waiters,
      worklist: this.#worklist,
      largeRow,
      chunkBytes,
    };
    this.#readers = Array.from({ length: workers }, () => new ChunkReader(shared));
  }

  /** Says how much there is to copy, and begins. */
  async start(): Promise<void> {
    const sizes = await readLeafSizes(
      this.#observer,
      this.#copies.flatMap(({ leaves }) => leaves),
    );
    for (const copy of this.#copies) copy.weigh(sizes);
    const tables = new Map(this.#copies.map(({ table, totalBytes }) => [table.name, totalBytes]));
    this.#observe({ type: 'copy due', tables });
    for (const copy of this.#copies) if (copy.leaves.length === 0) copy.start(); // nobody will ever take a chunk of it
    const reading = this.#readers.map((reader) => this.#run(reader));
    const watching = this.#waiters.run(this.#over.signal);
    watching.catch((error) => this.queue.cut(error));
    Promise.all(reading).then(
      () => this.queue.end(),
      (error) => this.queue.cut(error),
    );
    this.#work = Promise.allSettled([...reading, watching]);
  }

  /** Gives up whatever is being read, and ends all sessions. */
  async disband(): Promise<void> {
    this.queue.cut(null);
    this.#worklist.close();
    this.#over.abort();
    for (const copy of this.#copies) copy.giveUpAll();
    await Promise.race([this.#work, sleep(FAREWELL_MS, null, { ref: false })]);
    await endSession(this.#observer);
  }

  #copyOf(name: string, reading: TableReading, options: CopyOptions): TableCopy | null {
    const wanted = reading.problem ? null : options.wanted(reading.table);
    if (reading.problem || !wanted) return null;
    const { transaction, observe, asked } = options;
    const bound = { name, asked: asked.get(name)!, reading, lsn: transaction.clsn };
    const generation = options.generationOf(reading.table);
    const copy = new TableCopy({ bound, wanted, generation, transaction, observe, queue: this.queue });
    void options.settling.told(name, generation).then((settled) => this.#heed(copy, settled));
    return copy;
  }

  /** A sink could not go on with the copy of this table. */
  #heed(copy: TableCopy, settled: Settled): void {
    if (typeof settled === 'boolean') return;
    this.#worklist.drop(copy);
    copy.stop(haltedBy(settled));
  }

  async #run(reader: ChunkReader): Promise<void> {
    try {
      for (let task = await this.#worklist.take(); task; task = await this.#worklist.take()) {
        try {
          if (!task.copy.stopped) await reader.read(task);
        } finally {
          this.#worklist.done();
        }
      }
    } finally {
      await reader.close();
    }
  }
}
