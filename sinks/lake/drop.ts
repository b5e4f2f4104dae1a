import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseTableName } from '../../src/core/table-name.ts';
import { Claim, OWN_FOLDER, storedCheckpoint } from './claim.ts';
import { pathPart } from './columns/field-name.ts';
import { makerOf } from './delta/file-name.ts';
import { DeltaLog } from './delta/log.ts';
import { Duck } from './parquet/duck.ts';
import type { Storage } from './storage/storage.ts';

/** What pgveil writes into a table's folder, beside its files: the log, and receipts. */
const OURS = /^(_delta_log\/(\d{20}\.json|\d{20}\.checkpoint\.parquet|_last_checkpoint)|_receipts\/[^/]+\.json)$/;

/** Folders of the tables that pgveil made for a pipeline; null where it never wrote there. */
export async function findTables(storage: Storage, pipeline: string): Promise<string[] | null> {
  const checkpoint = await storedCheckpoint(storage);
  if (!checkpoint) return null;
  const folder = await mkdtemp(join(tmpdir(), 'pgveil-look-'));
  const duck = await Duck.open(folder);
  try {
    const found: string[] = [];
    for (const name of checkpoint.tables.keys()) {
      const { schema, relation } = parseTableName(name);
      const path = `${pathPart(schema)}/${pathPart(relation)}`;
      const { metaData } = await new DeltaLog(storage, duck, path).read();
      if (metaData?.configuration['pgveil.pipeline'] === pipeline) found.push(path);
    }
    return found;
  } finally {
    await duck.close();
    await rm(folder, { recursive: true, force: true });
  }
}

/**
 * Forgets a pipeline: its tables and then, so that what was cut off can be done again, its checkpoint. What somebody else put there stays.
 * An instance that still runs is fenced by it.
 */
export async function dropLake(storage: Storage, tables: readonly string[]): Promise<void> {
  await Claim.takeOver(storage, new AbortController().signal);
  await storage.sweep();
  for (const table of tables)
    await deleteAll(storage, `${table}/`, (name) => OURS.test(name) || makerOf(name) !== undefined);
  await deleteAll(storage, OWN_FOLDER, () => true);
  await storage.prune();
}

async function deleteAll(storage: Storage, folder: string, isOurs: (name: string) => boolean): Promise<void> {
  const names: string[] = [];
  for await (const { name } of storage.list(folder)) if (isOurs(name.slice(folder.length))) names.push(name);
  for (const name of names) await storage.delete(name);
}
