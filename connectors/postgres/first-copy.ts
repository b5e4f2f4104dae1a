import type { SourceConfig } from '../../config/config.ts';
import type { RawBatch } from '../../src/core/batch.ts';
import { PgveilError } from '../../src/core/errors.ts';
import { reach } from '../../src/core/fault.ts';
import type { Lsn } from '../../src/core/lsn.ts';
import { readCatalog } from './catalog.ts';
import { type CopyOptions, copyEverything } from './copy.ts';
import { keepSnapshot } from './keeper.ts';
import { keepPublication } from './publication.ts';
import type { Reading, ReadTable } from './reading.ts';
import { endSession, openReader } from './session.ts';
import { dropSlot, type MadeSlot, makeSlot } from './slot.ts';
import { findSlot } from './slot-fit.ts';

type Given = 'asked' | 'memory' | 'wanted' | 'generationOf' | 'observe' | 'signal';

export interface FirstCopyOptions extends Pick<CopyOptions, Given> {
  readonly source: SourceConfig;
}

export interface FirstCopy {
  /** All that committed before it was copied, all that follows is in the slot. */
  readonly consistentPoint: Lsn;
  /** Those that were copied to their end. */
  readonly tables: readonly ReadTable[];
}

/** For older transactions to end, which a new slot has to wait for. Whoever gives up has to begin the wait anew, so not soon. */
const PATIENCE_MS = 300_000;

/** Copies everything under a new slot, in place of an old one of that name: nobody has what that one would send. */
export async function* copyFirst(options: FirstCopyOptions): AsyncGenerator<RawBatch, FirstCopy> {
  const { source, asked, observe, signal } = options;
  const { slot, reading } = await takeSnapshot(options);
  const keeper = await keepSnapshot(source.url, slot.snapshot, signal).finally(() => slot.release());
  try {
    const inside = await readCatalog(keeper.client, asked);
    requirePublished(inside, reading);
    observe({ type: 'step', message: `everything is copied under the new slot ${source.slot}` });
    const { consistentPoint } = slot;
    const transaction = { clsn: consistentPoint, xid: null, commitTime: keeper.time };
    const { url, workers } = source;
    const copy = copyEverything({ ...options, url, workers, reading: inside, snapshot: keeper.snapshot, transaction });
    const tables: ReadTable[] = [];
    for await (const batch of copy) {
      for (const event of batch.events) {
        if (event.type === 'copy finished') tables.push(inside.tables.get(event.table.name) as ReadTable);
      }
      yield batch;
    }
    signal.throwIfAborted();
    reach('copies finished');
    return { consistentPoint, tables };
  } finally {
    await keeper.close();
  }
}

/** Makes publication and slot; gives what the publication was made by. */
async function takeSnapshot({
  source,
  asked,
  observe,
  signal,
}: FirstCopyOptions): Promise<{ slot: MadeSlot; reading: Reading }> {
  const { url, slot: name, publication } = source;
  const observer = await openReader(url, 'pgveil copy');
  try {
    const reading = await readCatalog(observer, asked);
    // WAL from before the publication can never be decoded, so it comes first.
    await keepPublication(url, observer, publication, reading);
    if (await findSlot(observer, name)) await dropSlot(observer, name);
    return { slot: await makeSlot({ url, name, observer, observe, patience: PATIENCE_MS, signal }), reading };
  } finally {
    await endSession(observer);
  }
}

/** A table that came between the publication and the snapshot is in the one and not in the other: its changes would never come. */
function requirePublished(reading: Reading, published: Reading): void {
  for (const [name, { table }] of reading.tables) {
    if (!table || published.tables.get(name)?.table?.oid === table.oid) continue;
    throw new PgveilError('copy_unfinished', `source: ${name} was made at the moment when the copy began`);
  }
}
