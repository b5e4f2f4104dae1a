// BACKWARD, as Schema Registries have it: whether readers of one schema can read what was written with another.

type Avro = string | readonly Avro[] | AvroType;
interface AvroType {
  readonly type: Avro;
  readonly name?: string;
  readonly fields?: readonly { readonly name: string; readonly type: Avro; readonly default?: unknown }[];
  readonly items?: Avro;
}

const PROMOTIONS: Readonly<Record<string, readonly string[]>> = {
  int: ['long', 'float', 'double'],
  long: ['float', 'double'],
  float: ['double'],
  string: ['bytes'],
  bytes: ['string'],
};

/** By the rules of Avro's schema resolution. Names of records stand for what was defined under them before. */
export function canReadAvro(reader: Avro, writer: Avro): boolean {
  return canRead(reader, writer, { reader: new Map(), writer: new Map() });
}

interface Known {
  readonly reader: Map<string, AvroType>;
  readonly writer: Map<string, AvroType>;
}

function canRead(reader: Avro, writer: Avro, known: Known): boolean {
  const [to, from] = [resolved(reader, known.reader), resolved(writer, known.writer)];
  if (Array.isArray(from)) return from.every((one) => canRead(to, one, known));
  if (Array.isArray(to)) return to.some((one) => canRead(one, from, known));
  const [toType, fromType] = [nameOf(to), nameOf(from)];
  if (toType !== fromType) return PROMOTIONS[fromType]?.includes(toType) ?? false;
  if (toType === 'array') return canRead((to as AvroType).items!, (from as AvroType).items!, known);
  return toType !== 'record' || canReadRecord(to as AvroType, from as AvroType, known);
}

function canReadRecord(to: AvroType, from: AvroType, known: Known): boolean {
  if (to.name !== from.name) return false;
  return to.fields!.every((field) => {
    const written = from.fields!.find(({ name }) => name === field.name);
    return written ? canRead(field.type, written.type, known) : field.default !== undefined;
  });
}

function resolved(schema: Avro, known: Map<string, AvroType>): Avro {
  if (typeof schema === 'string') return known.get(schema) ?? schema;
  if (isType(schema) && schema.name) known.set(schema.name, schema);
  return schema;
}

function isType(schema: Avro): schema is AvroType {
  return typeof schema === 'object' && 'type' in schema;
}

function nameOf(schema: Avro): string {
  return isType(schema) ? nameOf(schema.type) : (schema as string);
}

interface Json {
  readonly type?: string;
  readonly oneOf?: readonly Json[];
  readonly properties?: Readonly<Record<string, Json>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: false;
  readonly items?: Json;
  readonly enum?: readonly unknown[];
}

/** Of JSON Schemas such as ours: an open object may hold anything under a name that is new, and a closed one nothing that it does not name. */
export function canReadJson(reader: Json, writer: Json): boolean {
  if (writer.oneOf) return writer.oneOf.every((one) => canReadJson(reader, one));
  if (reader.oneOf) return reader.oneOf.some((one) => canReadJson(one, writer));
  if (reader.enum) return (writer.enum ?? [undefined]).every((value) => reader.enum!.includes(value));
  if (reader.type !== writer.type) return reader.type === 'number' && writer.type === 'integer';
  if (reader.type === 'array') return canReadJson(reader.items!, writer.items!);
  return reader.type !== 'object' || canReadObject(reader, writer);
}

function canReadObject(reader: Json, writer: Json): boolean {
  const [named, written] = [reader.properties ?? {}, writer.properties ?? {}];
  const isRequiredAnew = (reader.required ?? []).some((name) => !writer.required?.includes(name));
  const areNewKnown = writer.additionalProperties === false || Object.keys(named).every((name) => name in written);
  return (
    !isRequiredAnew &&
    areNewKnown &&
    Object.entries(written).every(([name, property]) =>
      Object.hasOwn(named, name) ? canReadJson(named[name]!, property) : reader.additionalProperties !== false,
    )
  );
}
