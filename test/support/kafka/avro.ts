// Reads Avro by its schema, to look at what ours writes: https://avro.apache.org/docs/1.12.0/specification/#binary-encoding.

type Schema = string | readonly Schema[] | { type: Schema; name?: string; fields?: Field[]; items?: Schema };
interface Field {
  readonly name: string;
  readonly type: Schema;
}

/** The value that fills the bytes. A long is a bigint, to the last digit. */
export function decodeAvro(schema: unknown, bytes: Buffer): unknown {
  const records = new Map(recordsIn(schema as Schema));
  const reading = new Reading(bytes, records);
  const value = reading.value(schema as Schema);
  if (reading.at !== bytes.length) throw new Error(`${bytes.length - reading.at} bytes are left`);
  return value;
}

/** By name: later in the schema that stands for them. */
function* recordsIn(schema: Schema): Iterable<[string, Field[]]> {
  if (typeof schema === 'string') return;
  if (isUnion(schema)) for (const one of schema) yield* recordsIn(one);
  else {
    const { type, name, fields = [] } = schema;
    if (type === 'record') yield [name!, fields];
    for (const field of fields) yield* recordsIn(field.type);
  }
}

function isUnion(schema: Schema): schema is readonly Schema[] {
  return Array.isArray(schema);
}

class Reading {
  at = 0;
  readonly #bytes: Buffer;
  readonly #records: ReadonlyMap<string, Field[]>;

  constructor(bytes: Buffer, records: ReadonlyMap<string, Field[]>) {
    this.#bytes = bytes;
    this.#records = records;
  }

  value(schema: Schema): unknown {
    if (typeof schema === 'string') return this.#named(schema);
    if (isUnion(schema)) return this.value(schema[Number(this.#long())]!);
    const { type, fields, items } = schema;
    if (type === 'array') return this.#array(items!);
    return type === 'record' ? this.#record(fields!) : this.value(type);
  }

  #named(type: string): unknown {
    switch (type) {
      case 'null':
        return null;
      case 'boolean':
        return this.#take(1)[0] === 1;
      case 'int':
        return Number(this.#long());
      case 'long':
        return this.#long();
      case 'float':
        return this.#take(4).readFloatLE();
      case 'double':
        return this.#take(8).readDoubleLE();
      case 'string':
        return this.#take(Number(this.#long())).toString();
      default:
        return this.#record(this.#records.get(type)!);
    }
  }

  #record(fields: readonly Field[]): unknown {
    return Object.fromEntries(fields.map(({ name, type }) => [name, this.value(type)]));
  }

  #array(items: Schema): unknown[] {
    const all: unknown[] = [];
    for (let count = Number(this.#long()); count > 0; count = Number(this.#long())) {
      for (let i = 0; i < count; i++) all.push(this.value(items));
    }
    return all;
  }

  #long(): bigint {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = BigInt(this.#take(1)[0]!);
      value |= (byte & 0x7fn) << shift;
      if (byte < 0x80n) return (value >> 1n) ^ -(value & 1n);
    }
  }

  #take(count: number): Buffer {
    this.at += count;
    if (this.at > this.#bytes.length) throw new Error('the bytes end in the middle of a value');
    return this.#bytes.subarray(this.at - count, this.at);
  }
}
