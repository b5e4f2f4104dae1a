import { hash } from 'node:crypto';
import type { RedactedTable } from '../../src/core/table.ts';

/** Postgres cuts longer names off without an error, and two tables could then meet under one name. */
const LONGEST_NAME = 63;
const HASH_DIGITS = 12;

/** Where pgveil keeps its checkpoint and the generations, on the twin. */
export const SCHEMA = 'pgveil';

/**
 * The name, in the schema `pgveil`, of the table that holds one generation: `shop_public.customer_16385_g1`. A table that gets
 * another name on the source keeps its oid and counts generations anew, so that the oid alone would not do.
 */
export function generationName(pipeline: string, table: GenerationOf): string {
  const { schema, relation, oid, generation } = table;
  return fit(`${pipeline}_${schema}.${relation}`, `_${oid}_g${generation}`);
}

type GenerationOf = Pick<RedactedTable, 'schema' | 'relation' | 'oid' | 'generation'>;

/** `front + back` within 63 bytes: where it is longer, a hash of the whole takes the place of what is cut from the front. */
export function fit(front: string, back: string): string {
  const whole = front + back;
  if (Buffer.byteLength(whole) <= LONGEST_NAME) return whole;
  const mark = `_${hash('sha256', whole).slice(0, HASH_DIGITS)}`;
  const room = LONGEST_NAME - Buffer.byteLength(back) - mark.length;
  return cut(front, room) + mark + back;
}

/** The characters of `text` that fit whole into so many bytes. */
function cut(text: string, bytes: number): string {
  return new TextDecoder().decode(Buffer.from(text).subarray(0, bytes), { stream: true });
}
