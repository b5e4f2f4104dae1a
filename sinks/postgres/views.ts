import type { ClientBase } from 'pg';
import { quoteText } from '../../src/postgres/quote.ts';
import { query } from './query.ts';

/** A view that people made over a public table. */
export interface View {
  /** Qualified and quoted. */
  readonly name: string;
  /** What makes it again. */
  readonly sql: string;
  /** Grants and comments. */
  readonly rest: readonly string[];
}

/**
 * Drops all views over a table whose columns are about to change, in the order in which they have to be made again. Where a materialized
 * view is among them none is dropped: its content would be lost, so it stands in the way.
 */
export async function dropViews(client: ClientBase, root: string): Promise<View[]> {
  const { rows } = await query(client, DEPENDENT, [root]);
  if (rows.some(({ kind }) => kind !== 'v')) return [];
  const views: View[] = [];
  for (const { name, sql, comment } of rows) {
    const rest = comment === null ? [] : [`COMMENT ON VIEW ${name} IS ${quoteText(comment!)}`];
    views.push({ name: name!, sql: sql!, rest: [...(await grantsOn(client, name!)), ...rest] });
  }
  for (const { name } of views.toReversed()) await query(client, `DROP VIEW ${name}`);
  return views;
}

/** Makes them again, as far as they still compile; returns the others. */
export async function restoreViews(client: ClientBase, views: readonly View[]): Promise<View[]> {
  const lost: View[] = [];
  for (const view of views) {
    await query(client, 'SAVEPOINT view');
    try {
      for (const sql of [view.sql, ...view.rest]) await query(client, sql);
    } catch {
      await query(client, 'ROLLBACK TO view');
      lost.push(view);
    }
    await query(client, 'RELEASE view');
  }
  return lost;
}

/** Whoever was granted something, as statements that grant it again. */
export async function grantsOn(client: ClientBase, name: string): Promise<string[]> {
  const { rows } = await query(
    client,
    `SELECT format('GRANT %s ON %s TO %s%s', privilege_type, $1::text,
       CASE grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(grantee)) END,
       CASE WHEN is_grantable THEN ' WITH GRANT OPTION' END) AS sql
     FROM pg_class, aclexplode(relacl) WHERE oid = to_regclass($1) AND grantee <> relowner`,
    [name],
  );
  return rows.map(({ sql }) => sql!);
}

/** Views over the table, and views over those: each behind all that it stands on. */
const DEPENDENT = `
  WITH RECURSIVE dependent (view, depth) AS (
    SELECT $1::oid, 0
    UNION
    SELECT ev_class, depth + 1 FROM dependent
    JOIN pg_depend ON refclassid = 'pg_class'::regclass AND refobjid = view AND classid = 'pg_rewrite'::regclass
    JOIN pg_rewrite ON pg_rewrite.oid = objid WHERE ev_class <> view
  )
  SELECT name, relkind AS kind, obj_description(view, 'pg_class') AS comment,
    format('CREATE VIEW %s%s AS %s', name, ' WITH (' || array_to_string(reloptions, ', ') || ')', pg_get_viewdef(view)) AS sql
  FROM (SELECT view, max(depth) AS depth FROM dependent WHERE depth > 0 GROUP BY view) AS views
  JOIN pg_class ON pg_class.oid = view
  CROSS JOIN LATERAL (SELECT format('%I.%I', relnamespace::regnamespace::text, relname) AS name) AS named
  ORDER BY depth`;
