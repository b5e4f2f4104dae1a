import type { RawBatch, TableEvent, Transaction } from '../../../src/core/batch.ts';
import type { Observe } from '../../../src/core/observer.ts';
import type { Secret } from '../../../src/core/secret.ts';
import type { Wanted } from '../../../src/core/source.ts';
import type { Table } from '../../../src/core/table.ts';
import type { Asked, Reading } from '../catalog/reading.ts';
import { openReader } from '../session.ts';
import type { Turn } from '../turn.ts';
import { Crew } from './crew.ts';
import type { Settling } from './settling.ts';
import { emptyBatch } from './table-copy.ts';

export interface CopyOptions {
  readonly url: Secret;
  readonly asked: ReadonlyMap<string, Asked>;
  /** Read inside the snapshot, through the keeper: it is what every guard compares with. */
  readonly reading: Reading;
  /** The keeper's. */
  readonly snapshot: string;
  /** What all reads belong to: `clsn` is the consistent point, `commitTime` the snapshot's time. */
  readonly transaction: Transaction;
  readonly workers: number;
  /** Bytes that may be queued. */
  readonly memory: number;
  /** Of a leaf, TOAST included, for one transaction to read; 64 MB where it is not given. */
  readonly chunkBytes?: number;
  readonly wanted: Wanted;
  readonly generationOf: (table: Table<'raw'>) => number;
  /** Shared with other copies. */
  readonly largeRow: Turn;
  /** What the sinks say of the tables: one that a sink cannot go on with is not read any further. */
  readonly settling: Settling;
  readonly observe: Observe;
  readonly signal: AbortSignal;
}

/**
 * Copies every table of the reading in one snapshot: `defined` (or `stopped`) of all; then of each that is wanted `copy started`, reads by
 * chunks, `copy finished` or `stopped`. Tables and chunks interleave. Not pulling stops the reading. Ends when all is copied, or
 * without an error when `signal` aborts; throws a PgveilError when the source is lost. Either way all of its sessions are ended.
 */
export async function* copyEverything(options: CopyOptions): AsyncGenerator<RawBatch> {
  const { transaction, signal } = options;
  // Only once the consumer has seen the definitions can it know what it wants of them: hence a batch of their own.
  yield { ...emptyBatch(transaction), events: definitions(options) };
  const observer = await openReader(options.url, 'pgveil guard');
  const crew = new Crew(options, observer);
  const cut = () => crew.queue.cut(null);
  signal.addEventListener('abort', cut);
  try {
    if (signal.aborted) return;
    await crew.start();
    yield* crew.queue;
  } finally {
    signal.removeEventListener('abort', cut);
    await crew.disband();
  }
}

function definitions({ reading, generationOf }: CopyOptions): TableEvent<'raw'>[] {
  return [...reading.tables].map(([name, { table, problem }]) =>
    problem
      ? { type: 'stopped', name, oid: problem.oid, state: { state: 'halted', code: problem.code }, definition: null }
      : { type: 'defined', table, generation: generationOf(table) },
  );
}
