// Reads a lake back: the rows of its tables, and what they amount to under the rules of docs/04-lake.md.
import { rm, writeFile } from 'node:fs/promises';
import { lakeTable } from '../../../sinks/lake/columns/lake-table.ts';
import { DeltaLog } from '../../../sinks/lake/delta/log.ts';
import { type Duck, identifier, literal } from '../../../sinks/lake/parquet/duck.ts';
import type { Storage } from '../../../sinks/lake/storage/storage.ts';
import type { RedactedTable } from '../../../src/core/table.ts';
import type { Row } from '../../support/batches.ts';

export interface LakeRow {
  readonly op: string;
  readonly key: string | null;
  readonly previousKey: string | null;
  readonly unchanged: readonly string[];
  readonly cells: (string | null)[];
}

const SHOWN = ['_op', 'source_primary_key', '_previous_key', '_unchanged'];

/** All rows of the table's present version, in the order of (`_commit_lsn`, `_seq`). */
export async function lakeRows(storage: Storage, duck: Duck, source: RedactedTable): Promise<LakeRow[]> {
  const table = lakeTable(source);
  const { files } = await new DeltaLog(storage, duck, table.path).read();
  const local = [...files.keys()].map((path) => ({ name: `${table.path}/${path}`, file: duck.path('parquet') }));
  if (local.length === 0) return [];
  const connection = await duck.connect();
  try {
    for (const { name, file } of local) await writeFile(file, (await storage.get(name))!);
    const columns = [...SHOWN, ...table.columns.map(({ name }) => name)].map(identifier);
    const sources = local.map(({ file }) => literal(file)).join(', ');
    const reader = await connection.runAndReadAll(
      `SELECT ${columns.join(', ')} FROM read_parquet([${sources}]) ORDER BY _commit_lsn, _seq`,
    );
    return reader.getRowsJson().map(([op, key, previousKey, unchanged, ...cells]) => ({
      op: op as string,
      key: key as string | null,
      previousKey: previousKey as string | null,
      unchanged: (unchanged ?? []) as string[],
      cells: cells as (string | null)[],
    }));
  } finally {
    connection.closeSync();
    await Promise.all(local.map(({ file }) => rm(file, { force: true })));
  }
}

/** The latest state of each row. */
export function fold(source: RedactedTable, rows: readonly LakeRow[]): Row[] {
  const names = lakeTable(source).columns.map(({ name }) => name);
  return [...foldByKey(names, rows).values()];
}

/** The same by key. `names`: of the cells' columns. */
export function foldByKey(names: readonly string[], rows: readonly LakeRow[]): Map<string, (string | null)[]> {
  const last = new Map<string | null, { cells: (string | null)[]; isThere: boolean }>();
  for (const { op, key, previousKey, unchanged, cells } of rows) {
    if (op === 't') last.clear();
    else {
      const earlier = last.get(previousKey ?? key)?.cells;
      const filled = cells.map((cell, i) => (unchanged.includes(names[i]!) ? (earlier?.[i] ?? null) : cell));
      last.set(key, { cells: filled, isThere: op !== 'd' });
    }
  }
  return new Map([...last].flatMap(([key, { cells, isThere }]) => (isThere ? [[key!, cells]] : [])));
}
