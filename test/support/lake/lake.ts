// Compares a lake with the twin that was fed beside it: the fold of its rows under the rules of docs/04-lake.md, row by row.
import assert from 'node:assert/strict';
import { createHash, randomUUID } from 'node:crypto';
import { rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type pg from 'pg';
import { pathPart } from '../../../sinks/lake/columns/field-name.ts';
import { DeltaLog } from '../../../sinks/lake/delta/log.ts';
import { Duck, identifier, literal } from '../../../sinks/lake/parquet/duck.ts';
import { FolderStorage } from '../../../sinks/lake/storage/folder.ts';
import type { Storage } from '../../../sinks/lake/storage/storage.ts';
import { parseTableName } from '../../../src/core/table-name.ts';
import { foldByKey, type LakeRow } from '../../sinks/lake/fold.ts';
import type { Trial } from '../trial/trial.ts';

/** A column of the source, as the log describes it. */
interface Field {
  readonly name: string;
  readonly original: string;
  readonly type: string;
}

/** pgveil's own come first and last, in this order: see docs/04-lake.md. */
const OWN = [
  'source_primary_key',
  '_op',
  '_commit_lsn',
  '_seq',
  '_commit_ts',
  '_xid',
  '_unchanged',
  '_previous_key',
  '_text',
  '_date',
];

/** Fails unless twin and lake are both what the source is, row by row. By default the lake lies in the trial's own folder. */
export async function assertBothEqual(trial: Trial, storage: Storage = lakeOf(trial)): Promise<void> {
  await trial.assertEqual();
  assert.deepEqual(await lakeDifferences(storage, trial.twin, Object.keys(trial.tables)), []);
}

export function lakeOf(trial: Trial): Storage {
  return new FolderStorage(join(trial.file('lake'), trial.name));
}

/** What differs, by table; rows are named by a hash of their key. `storage` is of the pipeline, `key` the name of the other's key column. */
export async function lakeDifferences(
  storage: Storage,
  twin: pg.Client,
  tables: readonly string[],
  key = 'source_primary_key',
): Promise<string[]> {
  const duck = await Duck.open(join(tmpdir(), `pgveil-lake-${randomUUID()}`));
  try {
    const found: string[] = [];
    for (const table of tables) found.push(...(await compare(storage, duck, { client: twin, key }, table)));
    return found;
  } finally {
    await duck.close();
  }
}

interface Other {
  readonly client: pg.Client;
  readonly key: string;
}

/** All that is in a lake, as a text: names, logs, and what the files hold once they are unpacked. */
export async function dumpLake(storage: Storage): Promise<string> {
  const duck = await Duck.open(join(tmpdir(), `pgveil-lake-${randomUUID()}`));
  const connection = await duck.connect();
  try {
    const parts: string[] = [];
    for await (const { name } of storage.list('')) {
      const bytes = (await storage.get(name))!;
      parts.push(name, bytes.toString('latin1'), bytes.toString());
      if (!name.endsWith('.parquet')) continue;
      const file = duck.path('parquet');
      await writeFile(file, bytes);
      const reader = await connection.runAndReadAll(`SELECT * FROM read_parquet(${literal(file)})`);
      for (const row of reader.getRowsJson())
        parts.push(...row.map((cell) => (typeof cell === 'string' ? cell : JSON.stringify(cell))));
    }
    return parts.join('\n');
  } finally {
    connection.closeSync();
    await duck.close();
  }
}

async function compare(storage: Storage, duck: Duck, twin: Other, table: string): Promise<string[]> {
  const { schema, relation } = parseTableName(table);
  const path = `${pathPart(schema)}/${pathPart(relation)}`;
  const { files, metaData } = await new DeltaLog(storage, duck, path).read();
  if (!metaData) return [`${table}: no such table in the lake`];
  const fields = fieldsOf(metaData.schemaString);
  const rows = await readRows(
    storage,
    duck,
    fields,
    [...files.keys()].map((file) => `${path}/${file}`),
  );
  const twice = rows.length - new Set(rows.map(({ place }) => place)).size;
  const folded = foldByKey(
    fields.map(({ name }) => name),
    rows,
  );
  const there = await readTwin(twin, table, fields);
  const keys = new Set([...folded.keys(), ...there.keys()]);
  const different = [...keys].flatMap((key) => problem(key, fields, folded.get(key), there.get(key)));
  return [...(twice > 0 ? [`${twice} rows twice`] : []), ...different.slice(0, 5)].map((what) => `${table}: ${what}`);
}

function fieldsOf(schemaString: string): Field[] {
  const { fields } = JSON.parse(schemaString) as { fields: (Field & { metadata: Record<string, string> })[] };
  return fields
    .filter(({ name }) => !OWN.includes(name))
    .map(({ name, type, metadata }) => ({ name, type, original: metadata['pgveil.name'] ?? name }));
}

async function readRows(storage: Storage, duck: Duck, fields: readonly Field[], names: readonly string[]) {
  const local = names.map((name) => ({ name, file: duck.path('parquet') }));
  if (local.length === 0) return [];
  const connection = await duck.connect();
  try {
    for (const { name, file } of local) await writeFile(file, (await storage.get(name))!);
    const reader = await connection.runAndReadAll(
      `SELECT _commit_lsn || ' ' || _seq || coalesce(' ' || CASE WHEN _op = 'r' THEN source_primary_key END, ''), _op, source_primary_key, _previous_key, _unchanged,
         ${fields.map(textOf).join(', ')}
       FROM read_parquet([${local.map(({ file }) => literal(file)).join(', ')}]) ORDER BY _commit_lsn, _seq`,
    );
    return reader.getRowsJson().map(([place, op, key, previousKey, unchanged, ...cells]) => {
      return { place, op, key, previousKey, unchanged: unchanged ?? [], cells } as LakeRow & { readonly place: string };
    });
  } finally {
    connection.closeSync();
    await Promise.all(local.map(({ file }) => rm(file, { force: true })));
  }
}

/** As Postgres writes it. */
function textOf({ name, type }: Field): string {
  const column = identifier(name);
  const texts: Record<string, string> = {
    timestamp: `make_timestamp(epoch_us(${column}))::VARCHAR || '+00'`,
    binary: `'\\x' || lower(hex(${column}))`,
  };
  return `coalesce(_text[${literal(name)}], ${texts[type] ?? `${column}::VARCHAR`})`;
}

async function readTwin({ client, key }: Other, table: string, fields: readonly Field[]) {
  await client.query(`SET TimeZone = 'UTC'`);
  const columns = fields.map(({ original }) => `"${original.replaceAll('"', '""')}"::text`);
  const sql = `SELECT ${key}::text, ${columns.join(', ')} FROM ${table}`;
  const { rows } = await client.query({ text: sql, rowMode: 'array' });
  return new Map(rows.map(([key, ...cells]) => [key as string, cells as (string | null)[]]));
}

type Cells = readonly (string | null)[] | undefined;

function problem(key: string, fields: readonly Field[], lake: Cells, twin: Cells): string[] {
  const row = createHash('sha256').update(key).digest('hex').slice(0, 12);
  if (!lake || !twin) return [`row ${row} ${lake ? 'is in the lake alone' : 'is not in the lake'}`];
  const other = fields.filter(({ type }, i) => !isEqual(type, lake[i]!, twin[i]!));
  return other.map(({ original }) => `row ${row} is different in ${original}`);
}

/** Floats have more than one spelling, and DuckDB its own for those that are no number. */
function isEqual(type: string, one: string | null, other: string | null): boolean {
  if (one === other || one === null || other === null || !/^(float|double)$/.test(type)) return one === other;
  return Object.is(floatOf(one), floatOf(other));
}

function floatOf(text: string): number {
  return Number(text.replace(/^(-?)inf$/, '$1Infinity'));
}
