import type { DeltaType } from '../columns/column-type.ts';
import { DATE_FIELD } from '../columns/lake-table.ts';
import type { MetaData } from '../delta/action.ts';
import { identifier, literal } from '../parquet/duck.ts';

/** A column of a table's files, as its log describes it. */
export interface Field {
  readonly name: string;
  readonly type: DeltaType;
  /** The type in DuckDB's SQL. */
  readonly sql: string;
}

/** All that a file holds, in its order. */
export function fieldsOf({ schemaString }: Pick<MetaData, 'schemaString'>): Field[] {
  const { fields } = JSON.parse(schemaString) as { fields: { name: string; type: DeltaType }[] };
  return fields.filter(({ name }) => name !== DATE_FIELD).map(({ name, type }) => ({ name, type, sql: sqlType(type) }));
}

/** The rows of files of this machine, whatever definition each was written by: a column that one lacks is NULL there. */
export function rowsOf(fields: readonly Field[], paths: readonly string[]): string {
  const nothing = fields.map(({ name, sql }) => `NULL::${sql} AS ${identifier(name)}`).join(', ');
  if (paths.length === 0) return `(SELECT ${nothing} WHERE false)`;
  const files = `read_parquet([${paths.map(literal).join(', ')}], union_by_name = true, hive_partitioning = false)`;
  return `(SELECT ${nothing} WHERE false UNION ALL BY NAME SELECT * FROM ${files})`;
}

/** A file's rows, counted from 1 in the order in which they stand there. */
export function numbered(fields: readonly Field[], path: string): string {
  return `(SELECT row_number() OVER () AS "row.number", * FROM ${rowsOf(fields, [path])})`;
}

export function listOf(fields: readonly Field[]): string {
  return fields.map(({ name }) => identifier(name)).join(', ');
}

const SQL_TYPES: ReadonlyMap<string, string> = new Map([
  ['string', 'VARCHAR'],
  ['long', 'BIGINT'],
  ['integer', 'INTEGER'],
  ['short', 'SMALLINT'],
  ['byte', 'TINYINT'],
  ['float', 'FLOAT'],
  ['double', 'DOUBLE'],
  ['boolean', 'BOOLEAN'],
  ['binary', 'BLOB'],
  ['date', 'DATE'],
  ['timestamp', 'TIMESTAMPTZ'],
  ['timestamp_ntz', 'TIMESTAMP'],
]);

function sqlType(type: DeltaType): string {
  if (typeof type === 'string') return SQL_TYPES.get(type) ?? type; // decimal(p,s) is called the same
  return type.type === 'array'
    ? `${sqlType(type.elementType)}[]`
    : `MAP(${sqlType(type.keyType)}, ${sqlType(type.valueType)})`;
}
