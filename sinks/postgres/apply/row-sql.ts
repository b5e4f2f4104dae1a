import { columnList, type TwinTable } from '../twin-table.ts';

/** Of the columns and then the key, as the twin's catalog has them, without modifiers: an assignment applies those, and checks them. */
export type ColumnTypes = readonly string[];

/**
 * Rows come as one array of texts for each column: a single parameter each, whatever the number of rows. In the select list the
 * arrays unnest in step and without being stored in between (a FROM list with all of them costs a fifth more).
 */
function unnested(names: readonly string[]): string {
  return `(SELECT ${names.map((name, index) => `unnest($${index + 1}::text[]) AS ${name}`).join(', ')})`;
}

/** Takes encoded rows (RowEncoder) under new keys. */
export function copySql(table: TwinTable): string {
  return `COPY ${table.generation} (${columnList(table)}) FROM STDIN`;
}

/** Writes full rows, whether they are there or not; returns how many were not. */
export function upsertSql(table: TwinTable, types: ColumnTypes): string {
  const names = types.map((_, column) => `v${column}`);
  const values = types.map((type, column) => `v${column}::${type}`);
  const set = [...table.columns, table.key].map(({ name }) => `${name} = excluded.${name}`);
  return `WITH written AS (
      INSERT INTO ${table.generation} (${columnList(table)}) SELECT ${values.join(', ')} FROM ${unnested(names)} AS row
      ON CONFLICT (${table.key.name}) DO UPDATE SET ${set.join(', ')} RETURNING xmax = 0 AS is_new
    ) SELECT count(*) FILTER (WHERE is_new) FROM written`;
}

/** Sets the columns that rows carry, and their keys, where the old keys are. */
export function patchSql(table: TwinTable, types: ColumnTypes, omitted: readonly number[]): string {
  const carried = [...table.columns, table.key]
    .map(({ name }, column) => ({ name, column, type: types[column]! }))
    .filter(({ column }) => !omitted.includes(column));
  const set = carried.map(({ name, column, type }) => `${name} = v${column}::${type}`);
  const names = [...carried.map(({ column }) => `v${column}`), 'old_key'];
  return `UPDATE ${table.generation} AS twin SET ${set.join(', ')} FROM ${unnested(names)} AS row
    WHERE twin.${table.key.name} = old_key::${types.at(-1)}`;
}

export function deleteSql(table: TwinTable, types: ColumnTypes): string {
  return `DELETE FROM ${table.generation} WHERE ${table.key.name} = ANY ($1::text[]::${types.at(-1)}[])`;
}
