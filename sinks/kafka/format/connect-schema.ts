import type { RedactedTable } from '../../../src/core/table.ts';
import { type ConnectType, messageColumn } from './column-json.ts';
import { legalName } from './legal-name.ts';

/** What a message looks like, in Kafka Connect's words. Avro's and JSON Schema's are made of it. */
export interface Schema {
  readonly type: ConnectType | 'struct' | 'array';
  readonly optional: boolean;
  readonly name?: string;
  readonly version?: number;
  /** Of a struct. */
  readonly fields?: readonly Field[];
  /** Of an array; it may be left out where it would be empty. */
  readonly items?: Schema;
}

export interface Field extends Schema {
  readonly field: string;
}

/** What a schema is made of. */
export type Described = Pick<RedactedTable, 'schema' | 'relation' | 'columns'>;

const SOURCE: readonly Field[] = [
  { field: 'version', type: 'string', optional: false },
  { field: 'connector', type: 'string', optional: false },
  { field: 'name', type: 'string', optional: false },
  { field: 'ts_ms', type: 'int64', optional: false },
  { field: 'snapshot', type: 'string', optional: false },
  { field: 'schema', type: 'string', optional: false },
  { field: 'table', type: 'string', optional: false },
  { field: 'txId', type: 'int64', optional: true },
  { field: 'lsn', type: 'int64', optional: false },
  { field: 'seq', type: 'int64', optional: false },
];

/** The schema of a Debezium envelope, as Kafka Connect's JSON has it beside each payload. */
export function envelopeSchema(table: Described, int8: 'number' | 'string'): Schema {
  const image = { type: 'struct', optional: true, name: structName(table, 'Value'), fields: rowFields(table, int8) };
  return {
    type: 'struct',
    optional: false,
    name: structName(table, 'Envelope'),
    fields: [
      { ...image, type: 'struct', field: 'before' },
      { ...image, type: 'struct', field: 'after' },
      { type: 'struct', optional: false, name: 'pgveil.Source', fields: SOURCE, field: 'source' },
      { type: 'string', optional: false, field: 'op' },
      { type: 'int64', optional: true, field: 'ts_ms' },
    ],
  };
}

/** Of two tables never the same. */
export function structName({ schema, relation }: Described, kind: string): string {
  return `${legalName(schema)}.${legalName(relation)}.${kind}`;
}

/** The columns that leave. All may be null: so one that comes or goes leaves the schema compatible. */
export function rowFields(table: Described, int8: 'number' | 'string'): Field[] {
  return table.columns
    .filter(({ withheld }) => !withheld)
    .map(({ name: field, type }) => {
      const { connect, meaning } = messageColumn(type, int8);
      return { type: connect, optional: true, ...(meaning && { name: meaning, version: 1 }), field };
    });
}
