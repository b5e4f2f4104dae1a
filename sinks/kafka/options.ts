import type { KafkaConfig } from '../../config/config.ts';
import type { RedactedTable } from '../../src/core/table.ts';
import { AvroDebezium } from './format/avro/debezium.ts';
import { AvroFlat } from './format/avro/flat.ts';
import { Debezium } from './format/debezium.ts';
import type { Format, MakeFormat } from './format/event.ts';
import { Flat } from './format/flat.ts';
import { Framed } from './format/framed.ts';

/** What is configured, of one pipeline. */
export interface KafkaOptions extends KafkaConfig {
  readonly pipeline: string;
}

export function formatOf(options: KafkaOptions): MakeFormat {
  const unframed = options.registry?.format === 'avro' ? avro : json;
  return (table, schemaId) => {
    const format = unframed(table, options);
    return schemaId === null ? format : new Framed(schemaId, format);
  };
}

function avro(table: RedactedTable, { pipeline, format, int8 }: KafkaOptions): Format {
  return format === 'flat' ? new AvroFlat(table, int8) : new AvroDebezium(table, pipeline, int8);
}

function json(table: RedactedTable, { pipeline, format, schema, registry, int8 }: KafkaOptions): Format {
  if (format === 'flat') return new Flat(table, int8);
  return new Debezium(table, { pipeline, int8, schema: registry ? 'registry' : schema });
}
