import type { Transaction } from '../../../src/core/batch.ts';
import type { Observe } from '../../../src/core/observer.ts';
import type { Secret } from '../../../src/core/secret.ts';
import type { Wanted } from '../../../src/core/source.ts';
import type { Table } from '../../../src/core/table.ts';
import type { Asked, Reading } from '../catalog/reading.ts';
import type { Turn } from '../turn.ts';
import type { Settling } from './settling.ts';

/** What a copy is made of, and by which rules. */
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
