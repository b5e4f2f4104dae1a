import type { Decision, Tables } from '../judge/decisions.ts';
import { TYPES, TYPES_SETUP } from '../judge/types.ts';

// Every type of types.ts goes the four ways that a value can arrive by: copied, inserted, updated, and in the key.

const KEYS = TYPES.flatMap(({ type, values, key }, at) => (key ? [{ table: `key_${at}`, type, values }] : []));
const ROWS = Math.max(...TYPES.map(({ values }) => values.length));

const column = (at: number) => `c${at}`;
const literal = (text: string, type: string) => `'${text.replaceAll("'", "''")}'::${type}`;

/** One row of the wide table: of each type its value number `row`, beginning anew where there are fewer; NULL for null. */
function wideRow(row: number | null): string[] {
  return TYPES.map(({ type, values }) => (row === null ? 'NULL' : literal(values[row % values.length]!, type)));
}

/** Tables and the rows to be copied: a column of each type in one table, and a table for each type that can be a key. */
export function typesSetup(): string {
  const columns = TYPES.map(({ type }, at) => `${column(at)} ${type}`);
  const rows = Array.from({ length: ROWS }, (_, row) => `(${row}, ${wideRow(row).join(', ')})`);
  const keyTables = KEYS.map(
    ({ table, type, values }) => `CREATE TABLE ${table} (k ${type} PRIMARY KEY, n integer);
      INSERT INTO ${table} VALUES (${literal(values[0]!, type)}, 0);`,
  );
  return `${TYPES_SETUP}
    CREATE TABLE mood_of_people (id integer);
    CREATE TABLE wide (id integer PRIMARY KEY, ${columns.join(', ')});
    INSERT INTO wide VALUES ${rows.join(', ')}, (${ROWS}, ${wideRow(null).join(', ')});
    ${keyTables.join('\n')}`;
}

export function typesTables(): Tables {
  const wide = ['id', ...TYPES.map((_, at) => column(at))].map((name): [string, Decision] => [name, 'keep']);
  const keyTables = KEYS.map(({ table }) => [`public.${table}`, { columns: { k: 'keep', n: 'keep' } }] as const);
  return { 'public.wide': { columns: Object.fromEntries(wide) }, ...Object.fromEntries(keyTables) };
}

/** Statements, each a transaction, for the stream. */
export function typesChanges(): string[] {
  const updates = Array.from({ length: ROWS }, (_, row) => {
    const values = wideRow(row + 1).map((value, at) => `${column(at)} = ${value}`);
    return `UPDATE wide SET ${values.join(', ')} WHERE id = ${row}`;
  });
  const inserts = Array.from(
    { length: ROWS },
    (_, row) => `INSERT INTO wide VALUES (${100 + row}, ${wideRow(row).join(', ')})`,
  );
  const nulls = `INSERT INTO wide VALUES (200, ${wideRow(null).join(', ')})`;
  const back = `UPDATE wide SET ${wideRow(null).map((_, at) => `${column(at)} = NULL`)} WHERE id = 100`;
  return [...updates, ...inserts, nulls, back, `DELETE FROM wide WHERE id = 1`, ...KEYS.flatMap(keyChanges)];
}

/** Each value becomes a key by an insert; then rows are changed, deleted, and the first moves to the key of the last. */
function keyChanges({ table, type, values }: (typeof KEYS)[number]): string[] {
  const inserts = values
    .slice(1)
    .map((value, at) => `INSERT INTO ${table} VALUES (${literal(value, type)}, ${at + 1})`);
  const last = values.length - 1;
  return [
    ...inserts,
    `UPDATE ${table} SET n = n + 100`,
    ...(last > 0
      ? [
          `DELETE FROM ${table} WHERE n = ${100 + last}; UPDATE ${table} SET k = ${literal(values[last]!, type)} WHERE n = 100`,
        ]
      : []),
  ];
}
