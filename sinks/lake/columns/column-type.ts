import {
  BIGINT,
  BLOB,
  BOOLEAN,
  DATE,
  DECIMAL,
  DOUBLE,
  type DuckDBType,
  FLOAT,
  INTEGER,
  LIST,
  MAP,
  SMALLINT,
  TIMESTAMP,
  TIMESTAMPTZ,
  VARCHAR,
} from '@duckdb/node-api';
import type { ColumnType } from '../../../src/core/table.ts';
import { FixedVector, type Write } from './fixed-vector.ts';
import type { Heap } from './heap.ts';
import { ListVector } from './list-vector.ts';
import { boolean, decimal, float, integer } from './number-write.ts';
import { BytesVector, TextVector } from './text-vector.ts';
import { date, timestamp } from './time-write.ts';
import type { ColumnVector } from './vector.ts';

/** As Delta's schema writes it. */
export type DeltaType =
  | string
  | { readonly type: 'array'; readonly elementType: DeltaType; readonly containsNull: boolean }
  | {
      readonly type: 'map';
      readonly keyType: DeltaType;
      readonly valueType: DeltaType;
      readonly valueContainsNull: boolean;
    };

/** What a column is in the lake. Decided by its declared type alone, never by what it holds. */
export interface LakeType {
  readonly delta: DeltaType;
  readonly duck: DuckDBType;
  /** What takes Postgres's texts, and refuses those that have no place in the type: they go to `_text`. */
  vector(heap: Heap): ColumnVector;
}

export const STRING: LakeType = { delta: 'string', duck: VARCHAR, vector: (heap) => new TextVector(heap) };
export const LONG = fixed('long', BIGINT, 8, integer(8));
export const TIMESTAMP_UTC = fixed('timestamp', TIMESTAMPTZ, 8, timestamp);
const TIMESTAMP_NTZ = fixed('timestamp_ntz', TIMESTAMP, 8, timestamp);
export const STRINGS = listOf(STRING);
/** `_text`: by column, the text of a value that has no place in the column's type. */
export const TEXTS_BY_COLUMN: Pick<LakeType, 'delta' | 'duck'> = {
  delta: { type: 'map', keyType: 'string', valueType: 'string', valueContainsNull: true },
  duck: MAP(VARCHAR, VARCHAR),
};

const EXACT: ReadonlyMap<string, LakeType> = new Map([
  ['boolean', fixed('boolean', BOOLEAN, 1, boolean)],
  ['smallint', fixed('short', SMALLINT, 2, integer(2))],
  ['integer', fixed('integer', INTEGER, 4, integer(4))],
  ['bigint', LONG],
  ['oid', LONG],
  ['real', fixed('float', FLOAT, 4, float(4))],
  ['double precision', fixed('double', DOUBLE, 8, float(8))],
  ['bytea', { delta: 'binary', duck: BLOB, vector: (heap: Heap) => new BytesVector(heap) }],
  ['date', fixed('date', DATE, 4, date)],
]);

/** Types whose arrays become lists of their texts; the elements of others may be separated by something else than commas. */
const TEXTS = /^(text|name|uuid|character varying(\(\d+\))?|character(\(\d+\))?)$/;
const MAX_PRECISION = 38;

/** The type of the lake that holds a column exactly, or a string where there is none. */
export function lakeType({ name, builtIn, kind }: ColumnType): LakeType {
  if (!builtIn || kind !== 'b') return STRING;
  if (!name.endsWith('[]')) return exactType(name) ?? STRING;
  const element = exactType(name.slice(0, -2));
  return element ? listOf(element) : STRING;
}

function exactType(name: string): LakeType | undefined {
  const [base] = /^timestamp/.exec(name) ?? [];
  if (base) return name.endsWith('without time zone') ? TIMESTAMP_NTZ : TIMESTAMP_UTC;
  if (TEXTS.test(name)) return STRING;
  const numeric = /^numeric\((\d+),(-?\d+)\)$/.exec(name);
  return numeric ? decimalType(Number(numeric[1]), Number(numeric[2])) : EXACT.get(name);
}

/** Undefined where Delta has no such decimal: more digits, or a scale that is negative or beyond the precision. */
function decimalType(precision: number, scale: number): LakeType | undefined {
  if (precision > MAX_PRECISION || scale < 0 || scale > precision) return undefined;
  const width = precision <= 4 ? 2 : precision <= 9 ? 4 : precision <= 18 ? 8 : 16; // as DuckDB has it
  return fixed(`decimal(${precision},${scale})`, DECIMAL(precision, scale), width, decimal(width, precision, scale));
}

function fixed(delta: DeltaType, duck: DuckDBType, width: number, write: Write): LakeType {
  return { delta, duck, vector: () => new FixedVector(width, write) };
}

function listOf(element: LakeType): LakeType {
  return {
    delta: { type: 'array', elementType: element.delta, containsNull: true },
    duck: LIST(element.duck),
    vector: (heap) => new ListVector(element.vector(heap)),
  };
}
