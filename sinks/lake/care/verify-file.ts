import type { DuckDBConnection } from '@duckdb/node-api';
import { DATE_FIELD } from '../columns/lake-table.ts';
import type { Add } from '../delta/action.ts';
import { identifier, literal } from '../parquet/duck.ts';
import { rowsIn } from './history.ts';
import { type Field, rowsOf } from './shape.ts';

/** As the log has them: bounds are texts, and numbers the digits that stand there, which may be more than a JavaScript number has. */
interface Stats {
  readonly numRecords?: string;
  readonly minValues?: Readonly<Record<string, string>>;
  readonly maxValues?: Readonly<Record<string, string>>;
  readonly nullCount?: Readonly<Record<string, string>>;
}

/** What is wrong with a file that is there, compared with what the log says of it: each as a count of rows that should be 0. */
export async function verifyFile(
  connection: DuckDBConnection,
  fields: readonly Field[],
  add: Add,
  path: string,
): Promise<string[]> {
  const stats = parse(add.stats ?? '{}');
  const day = add.partitionValues[DATE_FIELD];
  const checks: [what: string, count: string][] = [
    ['has another number of rows than the log says', `count(*) - ${Number(stats.numRecords)}`],
    [
      'has rows of another day',
      `count(*) FILTER (strftime(make_timestamp(epoch_us(_commit_ts)), '%Y-%m-%d') <> '${day}')`,
    ],
    ...fields.flatMap((field) => checksOf(field, stats)),
  ];
  const counts = checks.map(([, count]) => count).join(', ');
  const [found] = await rowsIn(connection, `SELECT ${counts} FROM ${rowsOf(fields, [path])}`);
  return checks.flatMap(([what], i) => (Number(found[i]) === 0 ? [] : [what]));
}

/** A reader leaves a file out by these. */
function checksOf({ name, sql }: Field, { minValues, maxValues, nullCount }: Stats): [string, string][] {
  const column = identifier(name);
  const [least, greatest, nulls] = [minValues?.[name], maxValues?.[name], nullCount?.[name]];
  const checks: [string, string][] = [];
  const bound = (text: string) => `CAST(${literal(text)} AS ${sql})`;
  if (least !== undefined)
    checks.push([`has less in ${name} than the log says`, `count(*) FILTER (${column} < ${bound(least)})`]);
  if (greatest !== undefined) {
    checks.push([`has more in ${name} than the log says`, `count(*) FILTER (${column} > ${bound(greatest)})`]);
  }
  if (nulls !== undefined) {
    checks.push([
      `has another number of nulls in ${name} than the log says`,
      `count(*) - count(${column}) - ${Number(nulls)}`,
    ]);
  }
  return checks;
}

type Reviver = (key: string, value: unknown, context: { readonly source: string }) => unknown;
const parseJson = JSON.parse as (text: string, reviver: Reviver) => Stats;

function parse(stats: string): Stats {
  return parseJson(stats, (_, value, { source }) => (typeof value === 'number' ? source : value));
}
