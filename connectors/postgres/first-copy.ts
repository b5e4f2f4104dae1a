import type pg from 'pg';
import type { RawBatch } from '../../src/core/batch.ts';
import type { Checkpoint } from '../../src/core/checkpoint.ts';
import { reach } from '../../src/core/fault.ts';
import type { Lsn } from '../../src/core/lsn.ts';
import type { Table } from '../../src/core/table.ts';
import { readCatalog } from './catalog.ts';
import { copyEverything } from './copy.ts';
import { keepSnapshot } from './keeper.ts';
import { keepPublication } from './publication.ts';
import type { Asked } from './reading.ts';
import { dropSlot, makeSlot } from './slot.ts';
import type { PostgresOptions } from './source.ts';

/** How long a new slot may wait for older transactions before `slot_blocked`; then the pipeline tries again. */
const SLOT_PATIENCE_MS = 5 * 60_000;

export interface Copied {
  /** Where the stream begins: all that committed before it was copied. */
  readonly consistentPoint: Lsn;
  /** Those that were copied to their end. */
  readonly tables: readonly Table<'raw'>[];
}

/**
 * Copies every table anew: publication, slot, snapshot, rows. An old slot of the name goes, as what it would send is copied anyway.
 * `client` is an ordinary session. Returns null where `signal` aborted.
 */
export async function* firstCopy(
  options: PostgresOptions,
  asked: ReadonlyMap<string, Asked>,
  from: Checkpoint,
  client: pg.Client,
  signal: AbortSignal,
): AsyncGenerator<RawBatch, Copied | null> {
  const { source, observe, memory, wanted } = options;
  const { url, slot: name, publication, workers } = source;
  // The publication comes first: WAL from before it can never be decoded through it.
  await keepPublication(url, client, publication, await readCatalog(client, asked));
  await dropSlot(client, name);
  const slot = await makeSlot({ url, name, observer: client, observe, patience: SLOT_PATIENCE_MS, signal });
  observe({ type: 'step', message: `slot ${name} created: copy of everything` });
  const keeper = await keepSnapshot(url, slot.snapshot, signal).finally(() => slot.release());
  const tables: Table<'raw'>[] = [];
  try {
    const batches = copyEverything({
      url,
      asked,
      reading: await readCatalog(keeper.client, asked),
      snapshot: keeper.snapshot,
      transaction: { clsn: slot.consistentPoint, xid: null, commitTime: keeper.time },
      workers,
      memory,
      wanted,
      generationOf: ({ name }) => (from.tables.get(name)?.generation ?? 0) + 1,
      observe,
      signal,
    });
    for await (const batch of batches) {
      yield batch;
      for (const event of batch.events) if (event.type === 'copy finished') tables.push(event.table);
    }
  } finally {
    await keeper.close();
  }
  if (signal.aborted) return null;
  reach('copies finished');
  return { consistentPoint: slot.consistentPoint, tables };
}
