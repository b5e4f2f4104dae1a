import type pg from 'pg';
import type { SourceConfig } from '../../../config/config.ts';
import type { RawBatch } from '../../../src/core/batch.ts';
import { PgveilError } from '../../../src/core/errors.ts';
import { reach } from '../../../src/core/fault.ts';
import type { Observe } from '../../../src/core/observer.ts';
import { readCatalog, readCatalogWithin } from '../catalog/catalog.ts';
import { keepPublication, type Publication, publishable, readPublication, stepSql } from '../catalog/publication.ts';
import type { Asked, Reading } from '../catalog/reading.ts';
import { incomplete } from '../check/publication.ts';
import { ask, endSession, openReader } from '../session.ts';
import { type MadeSlot, makeSlot } from '../slot/slot.ts';
import type { Turn } from '../turn.ts';
import { copyEverything } from './copy.ts';
import { type Keeper, keepSnapshot } from './keeper.ts';
import type { CopyOptions } from './options.ts';

export interface NewSlot {
  readonly source: SourceConfig;
  readonly name: string;
  readonly temporary: boolean;
  /** All of them: the publication is kept in step. */
  readonly configured: ReadonlyMap<string, Asked>;
  /** Those to be copied. */
  readonly asked: ReadonlyMap<string, Asked>;
  readonly observe: Observe;
  readonly signal: AbortSignal;
  /** Two copies that begin at once must not both alter the publication: the server refuses one of them. */
  readonly publishing: Turn;
  /** Called between publication and slot. */
  readonly before?: (observer: pg.Client) => Promise<void>;
}

/** For older transactions to end, which a new slot has to wait for. Whoever gives up has to begin the wait anew, so not soon. */
const PATIENCE_MS = 300_000;

/** A slot, and what its publication was made by. */
export interface Snapshot {
  readonly slot: MadeSlot;
  readonly published: Reading;
  /** Those to be copied that the publication sends. */
  readonly asked: ReadonlyMap<string, Asked>;
}

/** Makes publication and slot. WAL from before the publication can never be decoded, so it comes first. */
export async function takeSnapshot(options: NewSlot): Promise<Snapshot> {
  const { source, before } = options;
  const { url, failover } = source;
  const observer = await openReader(url, 'pgveil copy');
  try {
    const published = await publish(observer, options);
    const asked = await selectPublished(options, observer, published);
    await before?.(observer);
    return { slot: await makeSlot({ ...options, url, failover, observer, patience: PATIENCE_MS }), published, asked };
  } finally {
    await endSession(observer);
  }
}

async function publish(observer: pg.Client, { source, configured, publishing, signal }: NewSlot): Promise<Reading> {
  const end = await publishing.take(signal);
  try {
    signal.throwIfAborted();
    const published = await readCatalog(observer, configured);
    await keepPublication(source.url, observer, source.publication, published);
    return published;
  } finally {
    end();
  }
}

type Given = 'memory' | 'wanted' | 'generationOf' | 'observe' | 'signal' | 'asked' | 'largeRow' | 'settling';

export interface SnapshotCopyOptions extends Pick<CopyOptions, Given> {
  readonly source: SourceConfig;
  /** All that are configured; `asked` are those to be copied. */
  readonly configured: ReadonlyMap<string, Asked>;
  readonly publishing: Turn;
}

export interface SnapshotCopy {
  /** As the snapshot shows the tables. */
  readonly reading: Reading;
  /** See `copyEverything`. To be read, or the snapshot stays open. */
  readonly batches: AsyncGenerator<RawBatch>;
}

/** A copy of the asked tables in a slot's snapshot. `imported` is called when the slot's own export is not needed any more. */
export async function copySnapshot(
  options: SnapshotCopyOptions,
  { slot, published, asked }: Snapshot,
  imported: () => Promise<void> = async () => {},
): Promise<SnapshotCopy> {
  const { source, signal } = options;
  const keeper = await keepSnapshot(source.url, slot.snapshot, signal).finally(imported);
  try {
    const reading = await readCatalogWithin(keeper.client, asked);
    requireSame(reading, published);
    const { url, workers } = source;
    const transaction = { clsn: slot.consistentPoint, xid: null, commitTime: keeper.time };
    const copy = copyEverything({ ...options, asked, url, workers, reading, snapshot: keeper.snapshot, transaction });
    return { reading, batches: readAll(copy, keeper, signal) };
  } catch (error) {
    await keeper.close();
    throw error;
  }
}

async function* readAll(copy: AsyncGenerator<RawBatch>, keeper: Keeper, signal: AbortSignal) {
  try {
    yield* copy;
    signal.throwIfAborted();
    reach('copies finished');
  } finally {
    await keeper.close();
  }
}

/** A table that came between the publication and the snapshot is in the one and not in the other: its changes would never come. */
function requireSame(reading: Reading, published: Reading): void {
  for (const [name, { table }] of reading.tables) {
    if (!table || published.tables.get(name)?.table?.oid === table.oid) continue;
    throw new PgveilError('copy_unfinished', `source: ${name} was made at the moment when the copy began`);
  }
}

/**
 * A publication that a person made is never altered: what it lacks or keeps back would be copied, and then stand still. Such a table
 * is left out with a warning; where there is no other, rejects with `publication_unfit`.
 */
async function selectPublished({ source, asked, observe }: NewSlot, observer: pg.Client, reading: Reading) {
  const sent = await readSent(observer, source.publication);
  const whole = [...asked].filter(([name]) => whyUnfit(sent, reading, [name]) === null);
  if (whole.length === asked.size) return asked;
  if (whole.length === 0) throw whyUnfit(sent, reading, asked.keys());
  for (const table of asked.keys()) {
    const unfit = whyUnfit(sent, reading, [table]);
    if (unfit) observe({ type: 'warning', table, code: unfit.code, message: unfit.message, fix: unfit.fix });
  }
  return new Map(whole);
}

interface Sent {
  readonly name: string;
  readonly publication: Publication | null;
  /** What it sends changes of, as JSON of schema and relation. */
  readonly tables: ReadonlySet<string>;
}

async function readSent(observer: pg.Client, name: string): Promise<Sent> {
  const rows = await ask<Record<'schemaname' | 'tablename', string>>(
    observer,
    'SELECT schemaname, tablename FROM pg_publication_tables WHERE pubname = $1',
    [name],
  );
  const tables = new Set(rows.map((row) => JSON.stringify([row.schemaname, row.tablename])));
  return { name, publication: await readPublication(observer, name), tables };
}

/** Why these tables' changes would not come, or not whole; null where they do. */
function whyUnfit(sent: Sent, reading: Reading, asked: Iterable<string>): PgveilError | null {
  const { name, publication } = sent;
  const tables = new Map(Array.from(asked, (one) => [one, reading.tables.get(one)!]));
  const refuse = (how: string, fix: string) =>
    new PgveilError('publication_unfit', `source: the publication ${name} ${how}`, { fix });
  const [unfit] = publication ? incomplete(name, publication, { tables }) : [];
  if (unfit) return refuse(...unfit);
  const lacking = publishable({ tables }).filter(
    ({ schema, relation }) => !sent.tables.has(JSON.stringify([schema, relation])),
  );
  if (lacking.length === 0) return null;
  return refuse(`lacks ${lacking.map((table) => table.name).join(', ')}`, stepSql(name, [], lacking));
}
