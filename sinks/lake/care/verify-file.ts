import type { DuckDBConnection } from '@duckdb/node-api';
import type { Add } from '../action.ts';
import { DATE_FIELD } from '../lake-table.ts';
import { readStats } from '../stats.ts';
import { rowsIn } from './history.ts';
import { type Field, rowsOf } from './shape.ts';
import { makerOf } from './tended.ts';

/** By column, each bound as its JSON stands there: a number may have more digits than a JavaScript number. */
interface Stats {
  readonly numRecords: string;
  readonly [kind: string]: string | Readonly<Record<string, string>>;
}

/** What is wrong with a file that is there, compared with what the log says of it. */
export async function verifyFile(
  connection: DuckDBConnection,
  fields: readonly Field[],
  add: Add,
  path: string,
): Promise<string[]> {
  const wrong: string[] = [];
  const rows = rowsOf(fields, [path]);
  const found = parse(await readStats(connection, rows, fields));
  const told = parse(add.stats ?? '{}');
  if (told.numRecords !== found.numRecords) wrong.push('has another number of rows than the log says');
  // Another engine that put files together may keep other statistics.
  if (makerOf(add.path) !== undefined) wrong.push(...differences(told, found));
  const day = add.partitionValues[DATE_FIELD];
  const [[strays]] = await rowsIn(
    connection,
    `SELECT count(*) FROM ${rows} WHERE strftime(make_timestamp(epoch_us(_commit_ts)), '%Y-%m-%d') <> '${day}'`,
  );
  if (Number(strays) > 0) wrong.push('has rows of another day');
  return wrong;
}

/** A column that the table has got since is not in the statistics of an older file. */
function differences(told: Stats, found: Stats): string[] {
  return ['minValues', 'maxValues', 'nullCount'].flatMap((kind) =>
    Object.entries(told[kind] ?? {})
      .filter(([column, value]) => (found[kind] as Record<string, string>)[column] !== value)
      .map(([column]) => `has other statistics than the log says: ${kind} of ${column}`),
  );
}

type Reviver = (key: string, value: unknown, context: { readonly source: string }) => unknown;
const parseJson = JSON.parse as (text: string, reviver: Reviver) => Stats;

function parse(stats: string): Stats {
  return parseJson(stats, (_, value, { source }) => (typeof value === 'number' ? source : value));
}
