/** The name of a table as Postgres stores it: no quotes, no folding. */
export interface TableName {
  readonly schema: string;
  readonly relation: string;
}

/** NAMEDATALEN - 1: Postgres cuts a longer identifier, and would then mean another object than the one written. */
const MAX_IDENTIFIER_BYTES = 63;

const PLAIN = /^[a-z_][a-z0-9_]*$/;
const TWO_PARTS = /^(?<schema>"(?:[^"]|"")*"|[a-z_][a-z0-9_]*)\.(?<relation>"(?:[^"]|"")*"|[a-z_][a-z0-9_]*)$/;

/** Whether Postgres can hold this as the name of a table, column or schema: 1 to 63 bytes, and no zero byte. */
export function isIdentifier(text: string): boolean {
  return text !== '' && Buffer.byteLength(text) <= MAX_IDENTIFIER_BYTES && !text.includes('\0');
}

/**
 * Reads `schema.table`, each part in SQL double quotes unless it is a plain lower-case word: `public."Order Items"`.
 * Upper case without quotes is refused, not folded: SQL would mean another table than the one that is written.
 * Throws a TypeError, which says how such a name is written.
 */
export function parseTableName(text: string): TableName {
  const parts = TWO_PARTS.exec(text)?.groups;
  const schema = unquote(parts?.schema);
  const relation = unquote(parts?.relation);
  if (!isIdentifier(schema) || !isIdentifier(relation)) {
    throw new TypeError(
      'a table is written schema.table, each part of 1 to 63 bytes, and in double quotes unless it is a plain lower-case word',
    );
  }
  return { schema, relation };
}

/** The one spelling of a table in the configuration, in logs, in metrics and in `/status`; `parseTableName` reads it. */
export function formatTableName(table: TableName): string {
  return `${quote(table.schema)}.${quote(table.relation)}`;
}

/** The one spelling of what somebody wrote; null where it is no name of a table. */
export function canonicalTableName(written: string): string | null {
  try {
    return formatTableName(parseTableName(written));
  } catch {
    return null;
  }
}

function quote(part: string): string {
  return PLAIN.test(part) ? part : `"${part.replaceAll('"', '""')}"`;
}

function unquote(part = ''): string {
  return part.startsWith('"') ? part.slice(1, -1).replaceAll('""', '"') : part;
}
