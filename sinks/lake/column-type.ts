import {
  BIGINT,
  BLOB,
  BOOLEAN,
  blobValue,
  DATE,
  DECIMAL,
  DOUBLE,
  DuckDBDateValue,
  DuckDBDecimalValue,
  DuckDBTimestampTZValue,
  DuckDBTimestampValue,
  type DuckDBType,
  type DuckDBValue,
  FLOAT,
  INTEGER,
  LIST,
  listValue,
  MAP,
  SMALLINT,
  TIMESTAMP,
  TIMESTAMPTZ,
  VARCHAR,
} from '@duckdb/node-api';
import type { ColumnType } from '../../src/core/table.ts';
import { elementsOf } from './array-text.ts';
import { dateOf, timestampOf } from './calendar.ts';

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

/** From Postgres's text to a value; undefined where this one has no place in the type, which its text in `_text` stands for. */
type Convert = (text: string) => DuckDBValue | undefined;

/** What a column is in the lake. Decided by its declared type alone, never by what it holds. */
export interface LakeType {
  readonly delta: DeltaType;
  readonly duck: DuckDBType;
  /** Null: the text as it is. */
  readonly convert: Convert | null;
}

export const STRING: LakeType = { delta: 'string', duck: VARCHAR, convert: null };
export const LONG: LakeType = { delta: 'long', duck: BIGINT, convert: integer(-(2n ** 63n), 2n ** 63n - 1n, BigInt) };
export const TIMESTAMP_UTC: LakeType = {
  delta: 'timestamp',
  duck: TIMESTAMPTZ,
  convert: (text) => mapped(timestampOf(text), (micros) => new DuckDBTimestampTZValue(micros)),
};
export const STRINGS = listOf(STRING);
/** `_text`: by column, the text of a value that has no place in the column's type. */
export const TEXTS_BY_COLUMN: Pick<LakeType, 'delta' | 'duck'> = {
  delta: { type: 'map', keyType: 'string', valueType: 'string', valueContainsNull: true },
  duck: MAP(VARCHAR, VARCHAR),
};

const EXACT: ReadonlyMap<string, LakeType> = new Map([
  ['boolean', { delta: 'boolean', duck: BOOLEAN, convert: boolean }],
  ['smallint', { delta: 'short', duck: SMALLINT, convert: integer(-(2n ** 15n), 2n ** 15n - 1n, Number) }],
  ['integer', { delta: 'integer', duck: INTEGER, convert: integer(-(2n ** 31n), 2n ** 31n - 1n, Number) }],
  ['bigint', LONG],
  ['oid', LONG],
  ['real', { delta: 'float', duck: FLOAT, convert: float }],
  ['double precision', { delta: 'double', duck: DOUBLE, convert: float }],
  ['bytea', { delta: 'binary', duck: BLOB, convert: bytea }],
  ['date', { delta: 'date', duck: DATE, convert: (text) => mapped(dateOf(text), (days) => new DuckDBDateValue(days)) }],
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
  return numeric ? decimal(Number(numeric[1]), Number(numeric[2])) : EXACT.get(name);
}

const TIMESTAMP_NTZ: LakeType = {
  delta: 'timestamp_ntz',
  duck: TIMESTAMP,
  convert: (text) => mapped(timestampOf(text), (micros) => new DuckDBTimestampValue(micros)),
};

/** Undefined where Delta has no such decimal: more digits, or a scale that is negative or beyond the precision. */
function decimal(precision: number, scale: number): LakeType | undefined {
  if (precision > MAX_PRECISION || scale < 0 || scale > precision) return undefined;
  const digits = /^(-?)(\d+)(?:\.(\d+))?$/;
  const limit = 10n ** BigInt(precision);
  const convert: Convert = (text) => {
    const [, sign, whole, fraction = ''] = digits.exec(text) ?? [];
    if (whole === undefined || fraction.length > scale) return undefined; // NaN, Infinity
    const scaled = BigInt(whole + fraction.padEnd(scale, '0'));
    return scaled < limit ? new DuckDBDecimalValue(sign ? -scaled : scaled, precision, scale) : undefined;
  };
  return { delta: `decimal(${precision},${scale})`, duck: DECIMAL(precision, scale), convert };
}

function listOf(element: LakeType): LakeType {
  const convert: Convert = (text) => {
    const items = elementsOf(text)?.map((item) => (item === null || !element.convert ? item : element.convert(item)));
    return items && !items.includes(undefined) ? listValue(items as DuckDBValue[]) : undefined;
  };
  return {
    delta: { type: 'array', elementType: element.delta, containsNull: true },
    duck: LIST(element.duck),
    convert,
  };
}

function integer(least: bigint, most: bigint, make: (text: string) => number | bigint): Convert {
  return (text) => {
    if (!/^-?\d+$/.test(text)) return undefined;
    const value = BigInt(text);
    return value >= least && value <= most ? make(text) : undefined;
  };
}

function boolean(text: string): boolean | undefined {
  return text === 't' ? true : text === 'f' ? false : undefined;
}

/** Infinities and NaN are values of these types everywhere. */
function float(text: string): number | undefined {
  const value = Number(text);
  return Number.isNaN(value) && text !== 'NaN' ? undefined : value;
}

function bytea(text: string): DuckDBValue | undefined {
  return /^\\x(?:[0-9a-f]{2})*$/.test(text) ? blobValue(Buffer.from(text.slice(2), 'hex')) : undefined;
}

function mapped<T>(value: T | undefined, make: (value: T) => DuckDBValue): DuckDBValue | undefined {
  return value === undefined ? undefined : make(value);
}
