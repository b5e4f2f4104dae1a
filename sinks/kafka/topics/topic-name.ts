import { createHash } from 'node:crypto';
import type { TableName } from '../../../src/core/table-name.ts';

/** Kafka's limit. */
const LONGEST = 249;
const HASH_DIGITS = 16;

/** What stands for what in a template: `{name}.{schema}.{table}`. */
export interface TopicTemplate {
  readonly template: string;
  readonly pipeline: string;
}

/**
 * The topic of a table. Kafka takes letters, digits, `.`, `_` and `-`: within the parts of a name everything but letters, digits and `_` is
 * written `-XX`, by byte, and between schema and table the template has a `.`, so no two tables share one; see `isTakenFor`, though. A name that is too long ends
 * with a hash of all of it.
 */
export function topicName({ template, pipeline }: TopicTemplate, { schema, relation }: TableName): string {
  const parts: Record<string, string> = { name: pipeline, schema, table: relation };
  const name = template.replaceAll(/\{(name|schema|table)\}/g, (_, part: string) => encodePart(parts[part]!));
  if (name.length <= LONGEST) return name;
  const hash = createHash('sha256').update(name).digest('hex').slice(0, HASH_DIGITS);
  return `${name.slice(0, LONGEST - HASH_DIGITS - 1)}-${hash}`;
}

/** Brokers refuse the second of two such topics: in the names of their metrics `.` and `_` are one. */
export function isTakenFor(one: string, other: string): boolean {
  const fold = (name: string) => name.replaceAll('.', '_');
  return one !== other && fold(one) === fold(other);
}

function encodePart(part: string): string {
  return [...Buffer.from(part)].map((byte) => (isPlain(byte) ? String.fromCharCode(byte) : escaped(byte))).join('');
}

function isPlain(byte: number): boolean {
  return /[A-Za-z0-9_]/.test(String.fromCharCode(byte));
}

function escaped(byte: number): string {
  return `-${byte.toString(16).padStart(2, '0')}`;
}
