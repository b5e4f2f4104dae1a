import type { RedactedTable } from '../../../src/core/table.ts';
import { messageColumn } from './column-json.ts';

interface Schema {
  readonly type: string;
  readonly optional: boolean;
  readonly name?: string;
  readonly field?: string;
  readonly fields?: readonly Schema[];
  readonly version?: number;
}

const SOURCE: readonly (readonly [string, string, boolean])[] = [
  ['version', 'string', false],
  ['connector', 'string', false],
  ['name', 'string', false],
  ['ts_ms', 'int64', false],
  ['snapshot', 'string', false],
  ['schema', 'string', false],
  ['table', 'string', false],
  ['txId', 'int64', true],
  ['lsn', 'int64', false],
  ['seq', 'int64', false],
];

/** The schema of a Debezium envelope, as Kafka Connect's JSON has it beside each payload. */
export function connectSchema(table: RedactedTable, int8: 'number' | 'string'): Schema {
  const name = `${table.schema}.${table.relation}`;
  const row = table.columns
    .filter(({ withheld }) => !withheld)
    .map(({ name: field, type }) => {
      const { connect, meaning } = messageColumn(type, int8);
      return { type: connect, optional: true, ...(meaning && { name: meaning, version: 1 }), field };
    });
  const image = { type: 'struct', optional: true, name: `${name}.Value`, fields: row };
  const source = SOURCE.map(([field, type, optional]) => ({ type, optional, field }));
  return {
    type: 'struct',
    optional: false,
    name: `${name}.Envelope`,
    fields: [
      { ...image, field: 'before' },
      { ...image, field: 'after' },
      { type: 'struct', optional: false, name: 'pgveil.Source', fields: source, field: 'source' },
      { type: 'string', optional: false, field: 'op' },
      { type: 'int64', optional: true, field: 'ts_ms' },
    ],
  };
}
