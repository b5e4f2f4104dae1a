import type { DuckDBType } from '@duckdb/node-api';
import type { LakeConfig } from '../../../config/config.ts';
import { PgveilError } from '../../../src/core/errors.ts';
import type { ColumnType, RedactedTable } from '../../../src/core/table.ts';
import {
  type DeltaType,
  type LakeType,
  LONG,
  lakeType,
  STRING,
  STRINGS,
  TEXTS_BY_COLUMN,
  TIMESTAMP_UTC,
} from './column-type.ts';
import { fieldNames, pathPart } from './field-name.ts';

/** A column of the source in the lake. */
export interface LakeColumn {
  /** Index into the columns of the source's table, and so of its tuples. */
  readonly index: number;
  readonly name: string;
  readonly original: string;
  readonly type: LakeType;
}

interface Field {
  readonly name: string;
  readonly type: DeltaType;
  readonly duck: DuckDBType;
  readonly original?: string;
}

export const KEY_FIELD = 'source_primary_key';
/** The partition: in the log, not in the files. */
export const DATE_FIELD = '_date';

/** By column, the texts of values that have no place in the column's type. */
export const TEXT_FIELD = '_text';

/** What pgveil adds behind the source's columns, in this order. */
const ADDED: readonly (readonly [string, Pick<LakeType, 'delta' | 'duck'>])[] = [
  ['_op', STRING],
  ['_commit_lsn', LONG],
  ['_seq', LONG],
  ['_commit_ts', TIMESTAMP_UTC],
  ['_xid', LONG],
  ['_unchanged', STRINGS],
  ['_previous_key', STRING],
  [TEXT_FIELD, TEXTS_BY_COLUMN],
];

/** So many stand behind the source's columns. */
export const OUR_FIELDS = ADDED.length;

const RESERVED = [KEY_FIELD, ...ADDED.map(([name]) => name), DATE_FIELD];

/** Whether a column of the source cannot have this name in the lake. */
export function isReserved(name: string): boolean {
  return RESERVED.includes(name);
}

/** One definition of a table as the lake holds it: where it lies, and what is in its files. */
export interface LakeTable {
  readonly source: RedactedTable;
  /** The table's folder in the storage. */
  readonly path: string;
  /** Of the source: those that leave. */
  readonly columns: readonly LakeColumn[];
  /** All that a file holds, in its order. */
  readonly fields: readonly Field[];
}

/** What timestamps without a zone are: not every reader of Delta knows a type for them. */
export type Timestamps = LakeConfig['timestamps'];

/** Throws `reserved_column`, of the table, where the source has a column with a name of ours. */
export function lakeTable(source: RedactedTable, timestamps: Timestamps = 'timestamp_ntz'): LakeTable {
  const leaving = [...source.columns.entries()].filter(([, { withheld }]) => !withheld);
  const originals = leaving.map(([, { name }]) => name);
  const reserved = originals.find(isReserved);
  if (reserved !== undefined) {
    const fix = 'Rename the column on the source, or decide `drop` for it.';
    const message = `${source.name} has a column ${reserved}, a name of the lake’s own`;
    throw new PgveilError('reserved_column', message, { table: source.name, fix });
  }
  const names = fieldNames(originals, RESERVED);
  const columns = leaving.map(([index, { name, type }], i) => ({
    index,
    name: names[i]!,
    original: name,
    type: lakeType(timestamps === 'string' ? withoutLocal(type) : type),
  }));
  return {
    source,
    path: `${pathPart(source.schema)}/${pathPart(source.relation)}`,
    columns,
    fields: [
      field(KEY_FIELD, STRING),
      ...columns.map(({ name, original, type }) => ({ ...field(name, type), original })),
      ...ADDED.map(([name, type]) => field(name, type)),
    ],
  };
}

/** Such a column as if it were one of texts. */
function withoutLocal(type: ColumnType): ColumnType {
  return { ...type, name: type.name.replace(/^timestamp(\(\d\))? without time zone/, 'text') };
}

function field(name: string, { delta, duck }: Pick<LakeType, 'delta' | 'duck'>): Field {
  return { name, type: delta, duck };
}

/** The schema as Delta's log holds it. A name that had to be encoded has the original in its metadata. */
export function schemaString({ fields }: LakeTable): string {
  const shown = [...fields, { ...field(DATE_FIELD, STRING), type: 'date' }].map(({ name, type, original = name }) => ({
    name,
    type,
    nullable: true,
    metadata: original === name ? {} : { 'pgveil.name': original },
  }));
  return JSON.stringify({ type: 'struct', fields: shown });
}

/** Whether the table needs Delta's feature for timestamps without a zone. */
export function hasLocalTimestamps({ fields }: LakeTable): boolean {
  return fields.some(({ type }) => JSON.stringify(type).includes('timestamp_ntz'));
}
