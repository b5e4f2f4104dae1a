import type { ColumnType } from '../../../src/core/table.ts';

/** How a column's text stands in JSON: as it is, as `true` or `false`, or in quotes. */
export type ColumnJson = 'number' | 'boolean' | 'text';

/** Connect's names of types, for consumers that want a schema. */
export type ConnectType = 'int16' | 'int32' | 'int64' | 'float' | 'double' | 'boolean' | 'string';

export interface MessageColumn {
  readonly json: ColumnJson;
  readonly connect: ConnectType;
  /** What the text means, in Debezium's words; null where nothing but itself. */
  readonly meaning: string | null;
}

const NUMBERS: Readonly<Record<string, ConnectType>> = {
  smallint: 'int16',
  integer: 'int32',
  bigint: 'int64',
  real: 'float',
  'double precision': 'double',
};

const MEANINGS: Readonly<Record<string, string>> = {
  uuid: 'io.debezium.data.Uuid',
  json: 'io.debezium.data.Json',
  jsonb: 'io.debezium.data.Json',
};

/**
 * Integers and floats are numbers, and all else is its text: a numeric has more digits than readers of JSON keep, always, whatever its
 * size. `int8: 'string'` is for readers that cannot hold a bigint either.
 */
export function messageColumn({ name, builtIn }: ColumnType, int8: 'number' | 'string'): MessageColumn {
  const text: MessageColumn = { json: 'text', connect: 'string', meaning: (builtIn && MEANINGS[name]) || null };
  if (!builtIn || (name === 'bigint' && int8 === 'string')) return text;
  if (name === 'boolean') return { json: 'boolean', connect: 'boolean', meaning: null };
  const number = NUMBERS[name];
  return number ? { json: 'number', connect: number, meaning: null } : text;
}
