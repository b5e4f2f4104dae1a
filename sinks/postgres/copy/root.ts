import type { ClientBase } from 'pg';
import { quoteName, quoteTable } from '../../../src/postgres/quote.ts';
import { query } from '../query.ts';
import type { TwinTable } from '../twin-table.ts';

/**
 * Gives the public table, which is empty for the moment, the columns of the new generation. False where its key is another one: a
 * partition key cannot be changed, so the table has to be made anew.
 */
export async function fitColumns(client: ClientBase, table: TwinTable, root: string): Promise<boolean> {
  const differences = await compare(client, table, root);
  if (differences.some(({ name }) => name === table.key.name)) return false;
  for (const { name, type, is } of differences) {
    await query(client, `ALTER TABLE ${quoteTable(table.source)} ${change(name, type, is)}`);
  }
  return true;
}

/** Whether columns of the public table go, change their type, or the table has to be made anew: views stand in the way of that. */
export async function losesColumns(client: ClientBase, table: TwinTable, root: string): Promise<boolean> {
  return (await compare(client, table, root)).some(({ is }) => is !== 'missing');
}

function change(name: string, type: string, is: string): string {
  if (is === 'missing') return `ADD COLUMN ${name} ${type}`;
  if (is === 'extra') return `DROP COLUMN ${name}`;
  return `ALTER COLUMN ${name} TYPE ${type} USING NULL`;
}

/** Columns of root and generation that differ, by name; dropped ones first, so that their names are free. */
async function compare(client: ClientBase, table: TwinTable, root: string) {
  const { rows } = await query(
    client,
    `WITH live AS (SELECT * FROM pg_attribute WHERE attnum > 0 AND NOT attisdropped)
     SELECT attname AS name, format_type(generation.atttypid, generation.atttypmod) AS type,
       CASE WHEN root.attrelid IS NULL THEN 'missing' WHEN generation.attrelid IS NULL THEN 'extra' ELSE 'retyped' END AS is
     FROM (SELECT * FROM live WHERE attrelid = $1) AS root
     FULL JOIN (SELECT * FROM live WHERE attrelid = to_regclass($2)) AS generation USING (attname)
     WHERE (root.atttypid, root.atttypmod) IS DISTINCT FROM (generation.atttypid, generation.atttypmod)
     ORDER BY generation.attnum NULLS FIRST`,
    [root, table.generation],
  );
  return rows.map(({ name, type, is }) => ({ name: quoteName(name!), type: type!, is: is! }));
}
