import type { Field, Schema } from './connect-schema.ts';

/** A JSON Schema, or a part of one. */
export interface JsonSchema {
  readonly [keyword: string]: unknown;
  readonly oneOf?: readonly JsonSchema[];
  readonly properties?: Readonly<Record<string, JsonSchema>>;
}

const DRAFT = 'http://json-schema.org/draft-07/schema#';

/** Beside each type what Connect's converter of JSON Schema has to know of it. */
const SCALARS: Readonly<Record<string, JsonSchema>> = {
  int16: { type: 'integer', 'connect.type': 'int16' },
  int32: { type: 'integer', 'connect.type': 'int32' },
  int64: { type: 'integer', 'connect.type': 'int64' },
  float: { type: 'number', 'connect.type': 'float32' },
  double: { type: 'number', 'connect.type': 'float64' },
  boolean: { type: 'boolean' },
  string: { type: 'string' },
};

const NOT_FINITE: JsonSchema = { enum: ['NaN', 'Infinity', '-Infinity'] };

/** The same in JSON Schema. `notFinite`: what stands for floats that JSON has no number for. */
export function jsonSchema(schema: Schema, notFinite: 'text' | 'null'): JsonSchema {
  return { $schema: DRAFT, ...struct(schema, notFinite) };
}

/**
 * The schema, which also takes what messages of an earlier one hold in properties that are gone. An object names all that it may have, since
 * a property that comes is compatible with such a one alone; one that goes is not, unless it stays named.
 */
export function withEarlier(schema: JsonSchema, earlier: JsonSchema | undefined): JsonSchema {
  if (schema.oneOf)
    return { ...schema, oneOf: schema.oneOf.map((one, index) => withEarlier(one, earlier?.oneOf?.[index])) };
  if (!schema.properties || !earlier?.properties || schema.title !== earlier.title) return schema;
  const properties = Object.entries(schema.properties).map(([name, property]) => [
    name,
    withEarlier(property, own(earlier.properties!, name)),
  ]);
  const gone = Object.entries(earlier.properties).filter(([name]) => !own(schema.properties!, name));
  return { ...schema, properties: Object.fromEntries([...properties, ...gone]) };
}

/** A column may be called `constructor`. */
function own(properties: Readonly<Record<string, JsonSchema>>, name: string): JsonSchema | undefined {
  return Object.hasOwn(properties, name) ? properties[name] : undefined;
}

function struct({ name, fields }: Schema, notFinite: 'text' | 'null'): JsonSchema {
  const properties = fields!.map((field) => [field.field, property(field, notFinite)]);
  return {
    type: 'object',
    title: name,
    properties: Object.fromEntries(properties),
    required: fields!.filter(({ optional, type }) => !optional && type !== 'array').map(({ field }) => field),
    additionalProperties: false,
  };
}

function property(field: Field, notFinite: 'text' | 'null'): JsonSchema {
  const choices = [
    ...(field.optional ? [{ type: 'null' }] : []),
    present(field, notFinite),
    ...(isFloat(field) && notFinite === 'text' ? [NOT_FINITE] : []),
  ];
  return choices.length === 1 ? choices[0]! : { oneOf: choices };
}

function present(schema: Schema, notFinite: 'text' | 'null'): JsonSchema {
  if (schema.type === 'struct') return struct(schema, notFinite);
  if (schema.type === 'array') return { type: 'array', items: present(schema.items!, notFinite) };
  const { name, version } = schema;
  return { ...SCALARS[schema.type], ...(name && { title: name, 'connect.version': version }) };
}

function isFloat({ type }: Schema): boolean {
  return type === 'float' || type === 'double';
}
