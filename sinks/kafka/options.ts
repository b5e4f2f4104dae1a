import type { KafkaConfig } from '../../config/config.ts';
import type { RedactedTable } from '../../src/core/table.ts';
import { Debezium } from './format/debezium.ts';
import type { MakeFormat } from './format/event.ts';
import { Flat } from './format/flat.ts';

/** What is configured, of one pipeline. */
export interface KafkaOptions extends KafkaConfig {
  readonly pipeline: string;
}

export function formatOf({ pipeline, format, schema, int8 }: KafkaOptions): MakeFormat {
  return (table: RedactedTable) =>
    format === 'flat' ? new Flat(table, int8) : new Debezium(table, { pipeline, int8, schema });
}
