// What each type of Postgres's is in the lake: texts as a real server writes them, read back by three readers of other makers, and the
// table in docs/04-lake.md that says so.
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { lakeTable } from '../../../sinks/lake/columns/lake-table.ts';
import { LakeSink } from '../../../sinks/lake/sink.ts';
import { FolderStorage } from '../../../sinks/lake/storage/folder.ts';
import { Secret } from '../../../src/core/secret.ts';
import type { ColumnType, RedactedTable } from '../../../src/core/table.ts';
import { connect } from '../../../src/postgres/connection.ts';
import { signal } from '../../acceptance/sink-trial.ts';
import { copyOf, positionAt, type Row, sketchTable, writeCopy } from '../../support/batches.ts';
import { TYPES, TYPES_SETUP } from '../../support/judge/types.ts';
import { hasPython, runReader } from '../../support/lake/readers.ts';
import { createDatabase, type PostgresServer, startPostgres } from '../../support/postgres/postgres.ts';
import { SETTINGS } from './storages.ts';

/** Beside those of the twin's test: what only a lake tells apart. */
const MORE: readonly (readonly [type: string, ...values: string[]])[] = [
  ['numeric(5,2)', 'NaN', '-999.99', '0.1'],
  ['numeric(38,0)', '-99999999999999999999999999999999999999', '1'],
  ['numeric(39,1)', '99999999999999999999999999999999999999.9', 'NaN'],
  ['numeric(3,-2)', '12300'],
  ['numeric(2,5)', '0.00012'],
  ['timestamp(6) without time zone', '0001-01-01 00:00:00', '9999-12-31 23:59:59.999999'],
  ['timestamp(0) with time zone', '0001-01-01 00:00:00+00', '10000-01-01 00:00:00+00'],
  ['smallint[]', '{-32768,32767}'],
  ['bigint[]', '{9007199254740993,NULL}', '[-1:0]={1,2}'],
  ['oid[]', '{4294967295}'],
  ['boolean[]', '{t,f,NULL}'],
  ['real[]', '{0.1,NaN,-Infinity}'],
  ['double precision[]', '{0.1,5e-324}'],
  ['numeric(10,2)[]', '{1.1,-99999999.99}', '{1.10,NaN}'],
  ['date[]', '{2000-02-29,NULL}', '{infinity}'],
  ['timestamp[]', '{"2000-01-01 00:00:00.000001"}', '{-infinity}'],
  ['uuid[]', '{ffffffff-ffff-ffff-ffff-ffffffffffff}'],
  ['character varying(3)[]', '{abc,NULL,""}'],
  ['character(3)[]', '{ab,NULL}'],
  ['name[]', '{pg_class}'],
  ['bit(3)[]', '{101}'],
  ['xml'], // not every server was built with what reads its values
  ['inet[]', '{10.0.0.1/8}'],
  ['box[]', '{(1,1),(0,0);(2,2),(1,1)}'],
  ['public.citext[]', '{Abc}'],
];

type ReaderRow = Readonly<Record<string, unknown>>;

interface Case {
  readonly type: string;
  /** Postgres's texts of the values, as its server writes them. */
  readonly texts: readonly string[];
  readonly column: ColumnType;
}

const skip = (await hasPython()) ? false : 'there is no python3 of 3.10 or later: what other readers see is not tested';
const program = join(import.meta.dirname, 'readers.py');
const name = (at: number) => `c${at}`;

let server: PostgresServer;
let folder: string;
before(async () => {
  server = await startPostgres();
  folder = await mkdtemp(join(tmpdir(), 'pgveil-types-'));
});
after(async () => {
  await server[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
});

/** All types, as the catalog has them, with their values' texts as our connections get them. */
async function casesOf(): Promise<Case[]> {
  const wanted = [...TYPES.map(({ type, values }) => [type, ...values] as const), ...MORE];
  const url = await createDatabase(server, 'lake_types');
  const columns = wanted.map(([type], at) => `${name(at)} ${type}`).join(', ');
  const setup = `${TYPES_SETUP} CREATE TABLE mood_of_people (id integer); CREATE TABLE wide (${columns});`;
  await server.query(setup, { database: 'lake_types' });
  const client = await connect({ url: new Secret(url), side: 'source', purpose: 'read', name: 'test' });
  const raw = async (text: string) => {
    const types = { getTypeParser: () => (value: string) => value };
    const { rows } = await client.query({ text, rowMode: 'array', types: types as never });
    return rows as string[][];
  };
  const catalog = await raw(`SELECT t.oid, format_type(a.atttypid, a.atttypmod), a.atttypmod, t.typtype, t.typcategory,
      t.typnamespace = 'pg_catalog'::regnamespace
    FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid WHERE attrelid = 'public.wide'::regclass AND attnum > 0 ORDER BY attnum`);
  const cases: Case[] = [];
  for (const [at, [type, ...values]] of wanted.entries()) {
    const [oid, declared, modifier, kind, category, builtIn] = catalog[at] as [string, ...string[]];
    const literals = values.map((value) => `'${value.replaceAll("'", "''")}'::${type}`);
    const [texts] = await raw(`SELECT ${literals.join(', ')}`);
    const column = {
      oid: Number(oid),
      name: declared!,
      modifier: Number(modifier),
      category: category!,
      builtIn: builtIn === 't',
      padded: false,
    };
    cases.push({ type, texts: texts!, column: { ...column, kind: kind as ColumnType['kind'] } });
  }
  await client.end();
  return cases;
}

async function writeAll(cases: readonly Case[]): Promise<RedactedTable> {
  const columns = Object.fromEntries(cases.map(({ column }, at) => [name(at), column]));
  const table = sketchTable({ relation: 'wide', columns: { id: 'integer', ...columns }, key: ['id'] });
  const most = Math.max(...cases.map(({ texts }) => texts.length));
  const rows = Array.from(
    { length: most + 1 },
    (_, row): Row => [String(row), ...cases.map(({ texts }) => texts[row] ?? null)],
  );
  const storage = new FolderStorage(join(folder, 'lake'));
  const sink = new LakeSink({ pipeline: 'types', storage, temporary: join(folder, 'temporary'), ...SETTINGS });
  await sink.open(signal);
  await writeCopy(sink, copyOf(table, rows));
  await sink.flush(positionAt(0x100n));
  await sink.close();
  return table;
}

/** What a reader has for a text, given the type that the lake says it has. */
function expected(delta: unknown, text: string): unknown {
  if (typeof delta === 'object') {
    const { elementType } = delta as { elementType: string };
    const elements = [...text.slice(1, -1).matchAll(/"((?:\\.|[^"\\])*)"|[^,]+/g)];
    return elements.map(([all, quoted]) =>
      all === 'NULL' ? null : expected(elementType, quoted === undefined ? all : quoted.replace(/\\(.)/g, '$1')),
    );
  }
  switch (delta) {
    case 'boolean':
      return text === 't';
    case 'short':
    case 'integer':
    case 'long':
      return Number.isSafeInteger(Number(text)) ? Number(text) : text;
    case 'float':
      return special(text) ?? Math.fround(Number(text));
    case 'double':
      return special(text) ?? Number(text);
    case 'binary':
      return text.slice(2);
    case 'timestamp':
      return text.replace(/\+00$/, '+00:00').replace(/(\.\d+)/, (all) => all.padEnd(7, '0'));
    case 'timestamp_ntz':
      return text.replace(/(\.\d+)/, (all) => all.padEnd(7, '0'));
    default:
      return text; // dates, decimals and strings are written alike
  }
}

/** How Python writes what JSON cannot. */
function special(text: string): string | undefined {
  return { NaN: 'nan', Infinity: 'inf', '-Infinity': '-inf' }[text];
}

test('every type arrives as the documentation says, and no value as another one', { skip }, async () => {
  const cases = await casesOf();
  const table = await writeAll(cases);
  const place = join(folder, 'lake/public/wide');
  const found = (await runReader(program, place, place, '{}')) as Record<
    'deltalake' | 'pyarrow' | 'duckdb',
    ReaderRow[]
  >;
  const byId = (all: ReaderRow[]) => all.toSorted((a, b) => Number(a.id) - Number(b.id));
  const rows = byId(found.deltalake);
  assert.deepEqual([byId(found.pyarrow), byId(found.duckdb)], [rows, rows]);
  const { fields } = lakeTable(table);
  const lines = new Map<string, { types: string[]; strange: string[] }>();
  for (const [at, { type, texts, column }] of cases.entries()) {
    const delta = fields.find((field) => field.name === name(at))!.type;
    const strange: string[] = [];
    for (const [row, text] of texts.entries()) {
      const { [name(at)]: value, _text } = rows[row]!;
      const beside = new Map(_text as [string, string][] | null).get(name(at));
      assert.ok(value === null || beside === undefined, `${type} ${text} is there twice`);
      if (value === null) strange.push(text);
      assert.deepEqual(value ?? beside, value === null ? text : expected(delta, text), `${type} ${text}`);
    }
    const shown = typeof delta === 'string' ? delta : `array of ${(delta as { elementType: string }).elementType}`;
    const line = lines.get(shown) ?? { types: [], strange: [] };
    line.types.push(`\`${column.name}\``);
    line.strange.push(...strange.map((text) => `\`${text}\``));
    lines.set(shown, line);
  }
  const shown = [...lines].map(
    ([delta, { types, strange }]) => `| ${delta} | ${types.join(', ')} | ${strange.join(', ')} |`,
  );
  const docs = await readFile(join(import.meta.dirname, '../../../docs/04-lake.md'), 'utf8');
  assert.ok(docs.includes(shown.join('\n')), `docs/04-lake.md has to say:\n${shown.join('\n')}`);
});
