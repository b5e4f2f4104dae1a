import { writeFileSync } from 'node:fs';
import { z } from 'zod';
import { schema } from './schema.ts';

type JsonSchema = z.core.JSONSchema.BaseSchema;

/** What stands for a number or a word until it is replaced; to an editor it is a text. */
const REFERENCE = '\\$\\{';

/** The JSON Schema of the configuration for editors, as text. It knows the keys and words, not every form of a text. */
export function jsonSchema(): string {
  return `${JSON.stringify({ title: 'pgveil', ...convert(schema) }, null, 2)}\n`;
}

function convert(part: z.core.$ZodType): JsonSchema {
  return z.toJSONSchema(part, {
    target: 'draft-07',
    io: 'input',
    unrepresentable: ({ zodSchema }) => (zodSchema instanceof z.ZodMap ? convertMap(zodSchema) : 'throw'),
    override: ({ jsonSchema }) => {
      dropPlanned(jsonSchema);
      allowReference(jsonSchema);
    },
  });
}

/** zod has no JSON Schema for a Map; in the file it is a mapping whose keys are the user's. */
function convertMap(map: z.ZodMap): JsonSchema {
  const { $schema: _, ...values } = convert(map.valueType as z.ZodType);
  return { type: 'object', additionalProperties: values };
}

/** An editor should not offer what is refused as not built yet; without it the key is an unknown one. */
function dropPlanned(part: JsonSchema): void {
  for (const [name, property] of Object.entries(part.properties ?? {})) {
    if (isPlanned(property)) delete part.properties?.[name];
  }
  if (part.oneOf) part.oneOf = part.oneOf.filter((option) => !isPlanned(option));
}

function isPlanned(part: boolean | JsonSchema): boolean {
  return typeof part === 'object' && part.not !== undefined;
}

function allowReference(part: JsonSchema): void {
  if (part.enum) {
    part.anyOf = [{ enum: part.enum }, { type: 'string', pattern: REFERENCE }];
    delete part.enum;
    delete part.type;
  } else if (part.type === 'integer' || part.type === 'boolean') {
    Object.assign(part, { type: [part.type, 'string'], pattern: REFERENCE });
  }
}

// npm scripts run on Node 24, which knows `main`: this is for those who change the schema, not for users.
if (import.meta.main) writeFileSync(new URL('../pgveil.schema.json', import.meta.url), jsonSchema());
