import type { Client } from 'pg';
import type { Finding } from '../../../src/core/errors.ts';
import { quoteName } from '../../../src/postgres/quote.ts';
import { query } from '../query.ts';
import type { TwinOptions } from '../session.ts';
import { finding } from './finding.ts';

/** CREATE on the database, or every schema made beforehand, with the right to create in it. */
export async function checkSchemas(client: Client, { tables }: TwinOptions): Promise<Finding[]> {
  const schemas = new Set(['pgveil', ...[...tables.values()].map(({ schema }) => schema)]);
  const { rows } = await query(
    client,
    `SELECT quote_ident(current_user) AS role, wanted.name AS schema, nspname IS NOT NULL AS there,
       coalesce(has_schema_privilege(pg_namespace.oid, 'USAGE') AND has_schema_privilege(pg_namespace.oid, 'CREATE'),
         has_database_privilege(current_database(), 'CREATE')) AS allowed
     FROM unnest($1::text[]) AS wanted (name) LEFT JOIN pg_namespace ON nspname = wanted.name`,
    [[...schemas]],
  );
  return rows
    .filter(({ allowed }) => allowed !== 't')
    .map(({ role, schema, there }) => {
      const name = quoteName(schema!);
      const message = `${role} may not create ${there === 't' ? 'tables in the schema' : 'the schema'} ${name}`;
      const sql = there === 't' ? `GRANT USAGE, CREATE ON SCHEMA ${name} TO` : `CREATE SCHEMA ${name} AUTHORIZATION`;
      return finding('twin_rights', `schema ${name}`, message, `${sql} ${role};`);
    });
}

/** What is in the schema `pgveil` has to be the role's own: generations are dropped, and their public tables altered. */
export async function checkOwners(client: Client): Promise<Finding[]> {
  const { rows } = await query(
    client,
    `SELECT format('ALTER TABLE pgveil.%I OWNER TO %I;', relname, current_user) AS sql, quote_ident(current_user) AS role
     FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
     WHERE nspname = 'pgveil' AND relkind = 'r' AND NOT pg_has_role(relowner, 'USAGE') ORDER BY relname`,
  );
  if (rows.length === 0) return [];
  const message = `${rows[0]!.role} does not own what is in the schema pgveil`;
  return [finding('twin_rights', 'schema pgveil', message, rows.map(({ sql }) => sql).join('\n'))];
}
