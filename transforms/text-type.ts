import type { ColumnType } from '../src/core/table.ts';
import { countCharacters } from './characters.ts';

const NAME = 19;
const TEXT = 25;
const CHAR = 1042;
const VARCHAR = 1043;

/** NAMEDATALEN - 1: what `name` holds, and in bytes. */
const NAME_BYTES = 63;
/** atttypmod counts its own four bytes. */
const MODIFIER_HEADER = 4;

/** What a text column can hold at most; null for text without end. */
export interface TextLimit {
  readonly length: number;
  readonly unit: 'characters' | 'bytes';
}

/**
 * Whether a rule may put any text there: text, varchar, char, name, citext and its like, domains over them, and enums (the
 * twin holds both as text). Not `"char"`, which is one byte; not json, xml, arrays: a rule there would have to know the form.
 */
export function isText(type: ColumnType): boolean {
  if (type.kind === 'e') return true;
  if (type.builtIn) return [NAME, TEXT, CHAR, VARCHAR].includes(type.oid);
  return type.category === 'S' && (type.kind === 'b' || type.kind === 'd');
}

/** `char(n)` itself, by the oid of its type. */
export const isChar = (oid: number): boolean => oid === CHAR;

export function textLimit(type: ColumnType): TextLimit | null {
  if (type.oid === NAME) return { length: NAME_BYTES, unit: 'bytes' };
  if (type.modifier < 0 || (type.oid !== CHAR && type.oid !== VARCHAR)) return null;
  return { length: type.modifier - MODIFIER_HEADER, unit: 'characters' };
}

export function fits(text: string, { length, unit }: TextLimit): boolean {
  if (unit === 'bytes') return Buffer.byteLength(text) <= length;
  return text.length <= length || countCharacters(text) <= length;
}

/** Why a rule that rewrites text cannot stand on a column of this type; null where it can. */
export function textMisfit(rule: string, type: ColumnType): string | null {
  if (isText(type)) return null;
  return `\`${rule}\` gives text, and the column is of type ${type.name}: decide \`keep\`, \`drop\` or \`'null'\`, or use a rule for that type`;
}

/** Why results of `length` characters cannot stand in a column of this type; null where they can. */
export function lengthMisfit(rule: string, type: ColumnType, length: number): string | null {
  const limit = textLimit(type);
  if (!limit || length <= limit.length) return null;
  return `\`${rule}\` gives ${length} characters, and the column holds ${limit.length}: choose a shorter result or another rule`;
}
