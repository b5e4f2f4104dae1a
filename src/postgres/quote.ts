/** A name as an SQL identifier, always quoted. */
export function quoteName(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** `"schema"."relation"`. */
export function quoteTable(table: { readonly schema: string; readonly relation: string }): string {
  return `${quoteName(table.schema)}.${quoteName(table.relation)}`;
}

/** An SQL string literal. For names and settings only: values of rows never stand in SQL, where server logs would keep them. */
export function quoteText(text: string): string {
  const quoted = `'${text.replaceAll("'", "''")}'`;
  return text.includes('\\') ? ` E${quoted.replaceAll('\\', '\\\\')}` : quoted;
}
