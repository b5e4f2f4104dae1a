import type { RegistryConfig } from '../../../config/config.ts';
import { ERRORS, type Finding, PgveilError } from '../../../src/core/errors.ts';
import type { RedactedTable } from '../../../src/core/table.ts';
import { avroSchema } from '../format/avro/schema.ts';
import { type Described, envelopeSchema } from '../format/connect-schema.ts';
import { flatSchema } from '../format/flat-schema.ts';
import { type JsonSchema, jsonSchema, withEarlier } from '../format/json-schema.ts';
import { incompatible, RegistryClient, type SchemaText } from './client.ts';

export interface SchemasOptions {
  readonly registry: RegistryConfig;
  readonly format: 'debezium' | 'flat';
  readonly int8: 'number' | 'string';
}

type Definition = Described & Pick<RedactedTable, 'name'>;

/** Schemas of values, each under its topic's subject. Keys are plain text, and have none. */
export class Schemas {
  readonly #client: RegistryClient;
  readonly #options: SchemasOptions;
  /** By subject and schema. */
  readonly #ids = new Map<string, number>();

  constructor(options: SchemasOptions) {
    this.#client = new RegistryClient(options.registry);
    this.#options = options;
  }

  /** The id of the table's schema. Rejects as `RegistryClient` does; `schema_refused` concerns the table alone. */
  async idOf(table: RedactedTable, topic: string, signal: AbortSignal): Promise<number> {
    const subject = subjectOf(topic);
    const schema = this.#schemaOf(table);
    const known = JSON.stringify([subject, schema]);
    const id = this.#ids.get(known) ?? (await this.#register(table.name, subject, schema, signal));
    this.#ids.set(known, id);
    return id;
  }

  /** Throws what speaks against the registry as a whole. */
  async check(signal: AbortSignal): Promise<void> {
    const types = await this.#client.types(signal);
    if (types.includes(this.#type)) return;
    throw new PgveilError('registry_failed', `it takes no schemas of type ${this.#type}`, {
      fix: 'Set `registry.format` to another one, or name another registry.',
    });
  }

  /** What a copy of the table would be refused for. */
  async findings(table: Definition, topic: string, signal: AbortSignal): Promise<Finding[]> {
    const subject = subjectOf(topic);
    const text = await this.#textOf(subject, this.#schemaOf(table), signal);
    if (await this.#client.isCompatible(subject, text, signal)) return [];
    const code = 'schema_refused';
    return [{ code, object: table.name, message: incompatible(subject), fix: ERRORS[code].fix }];
  }

  async #register(table: string, subject: string, schema: object, signal: AbortSignal): Promise<number> {
    try {
      return await this.#client.register(subject, await this.#textOf(subject, schema, signal), signal);
    } catch (error) {
      if (!(error instanceof PgveilError) || error.code !== 'schema_refused') throw error;
      throw new PgveilError(error.code, error.message, { table });
    }
  }

  async #textOf(subject: string, schema: object, signal: AbortSignal): Promise<SchemaText> {
    if (this.#type === 'AVRO') return { schemaType: 'AVRO', schema: JSON.stringify(schema) };
    const latest = await this.#client.latestJson(subject, signal);
    const earlier: JsonSchema | undefined = latest === null ? undefined : JSON.parse(latest);
    return { schemaType: 'JSON', schema: JSON.stringify(withEarlier(schema as JsonSchema, earlier)) };
  }

  #schemaOf(table: Definition): object {
    const { format, int8 } = this.#options;
    const schema = format === 'flat' ? flatSchema(table, int8) : envelopeSchema(table, int8);
    if (this.#type === 'AVRO') return avroSchema(schema) as object;
    return jsonSchema(schema, format === 'flat' ? 'text' : 'null');
  }

  get #type(): SchemaText['schemaType'] {
    return this.#options.registry.format === 'avro' ? 'AVRO' : 'JSON';
  }
}

function subjectOf(topic: string): string {
  return `${topic}-value`;
}
