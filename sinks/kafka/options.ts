import type { RedactedTable } from '../../src/core/table.ts';
import type { KafkaConnection } from './connection-options.ts';
import { Debezium } from './debezium.ts';
import type { MakeFormat } from './event.ts';
import { Flat } from './flat.ts';
import type { Compression } from './record-batch.ts';
import type { TopicOptions } from './topics.ts';

export interface KafkaOptions {
  readonly pipeline: string;
  readonly connection: KafkaConnection;
  /** Of a table: `{name}.{schema}.{table}`, `{name}` being the pipeline's. */
  readonly topic: string;
  readonly topics: TopicOptions;
  readonly format: 'debezium' | 'flat';
  /** Of `debezium`: with each message its schema. */
  readonly schema: 'inline' | 'none';
  readonly int8: 'number' | 'string';
  readonly compression: Compression;
  /** In bytes of messages: a source transaction that is larger is committed in parts. */
  readonly split: number;
}

export function formatOf({ pipeline, format, schema, int8 }: KafkaOptions): MakeFormat {
  return (table: RedactedTable) =>
    format === 'flat' ? new Flat(table, int8) : new Debezium(table, { pipeline, int8, schema });
}
