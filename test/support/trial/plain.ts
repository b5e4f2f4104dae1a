import type { Tables } from '../judge/decisions.ts';

/** Tables of a key and a hashed column, 50 rows each: what the configuration says of them, and the SQL that makes them. */
export function plainTables(names: readonly string[]): { readonly tables: Tables; readonly setup: string } {
  const setup = names.map(
    (name) => `CREATE TABLE ${name} (id integer PRIMARY KEY, v text);
      INSERT INTO ${name} SELECT i, 'v' || i FROM generate_series(1, 50) i`,
  );
  const tables = names.map((name) => [`public.${name}`, { columns: { id: 'keep', v: 'hash' } }] as const);
  return { tables: Object.fromEntries(tables), setup: setup.join(';') };
}
