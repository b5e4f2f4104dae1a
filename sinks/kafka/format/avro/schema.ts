import type { Field, Schema } from '../connect-schema.ts';
import { legalName } from '../legal-name.ts';

/** Part of an Avro schema: the name of a type, a union, or a type with more about it. */
type Avro = string | readonly Avro[] | { readonly [attribute: string]: unknown };

const SCALARS: Readonly<Record<string, Avro>> = {
  int16: { type: 'int', 'connect.type': 'int16' },
  int32: 'int',
  int64: 'long',
  float: 'float',
  double: 'double',
  boolean: 'boolean',
  string: 'string',
};

/** The same in Avro. What may be null is a union with null first, and null by default: readers of a later schema have a value for it. */
export function avroSchema(schema: Schema): Avro {
  return avro(schema, new Set());
}

/** `known`: names of records, each of which Avro wants to be told of once. */
function avro(schema: Schema, known: Set<string>): Avro {
  if (schema.type === 'array') return { type: 'array', items: avro(schema.items!, known) };
  if (schema.type === 'struct') return record(schema, known);
  const scalar = SCALARS[schema.type]!;
  const { name, version } = schema;
  return name ? { type: scalar, 'connect.name': name, 'connect.version': version } : scalar;
}

function record({ name, fields }: Schema, known: Set<string>): Avro {
  if (known.has(name!)) return name!;
  known.add(name!);
  return { type: 'record', name: name!, fields: fields!.map((field) => fieldOf(field, known)) };
}

function fieldOf(field: Field, known: Set<string>) {
  const name = legalName(field.field);
  const type = avro(field, known);
  return {
    name,
    ...(name !== field.field && { 'pgveil.name': field.field }),
    ...(field.optional ? { type: ['null', type], default: null } : { type }),
    ...(field.type === 'array' && { default: [] }),
  };
}
