import type { ClientBase } from 'pg';
import { PgveilError } from '../../../src/core/errors.ts';
import { INSUFFICIENT_PRIVILEGE } from '../../../src/postgres/sql-state.ts';
import { sqlState } from '../../../src/postgres/trouble.ts';
import { query } from '../query.ts';
import type { TwinTable } from '../twin-table.ts';

/** A view that people made over a public table. */
export interface View {
  /** Qualified and quoted. */
  readonly name: string;
  /** What makes it again. */
  readonly sql: string;
  /** Grants, comments, indexes, triggers; at last its owner, whose rights it reads with. */
  readonly rest: readonly string[];
  /** What fills it, where it is a materialized one that was filled. */
  readonly refresh: string | null;
}

/** What became of views that had to be made again. */
export interface Remade {
  /** Those that do not compile any more. */
  readonly lost: readonly View[];
  /** Those that are empty as yet. */
  readonly empty: readonly View[];
}

/**
 * Drops all views over a table whose columns are about to change, in the order in which they have to be made again. Rejects with
 * `swap_blocked` where one belongs to a role that we cannot act for: made again by us it would read with our rights.
 */
export async function dropViews(client: ClientBase, table: TwinTable, root: string): Promise<View[]> {
  const { rows } = await query(client, DEPENDENT, [root]);
  const views: View[] = [];
  for (const { oid, name, keyword, sql, owner, is_ours, may_act, is_filled } of rows) {
    if (may_act !== 't') throw belongsToAnother(table, keyword!, name!, owner!);
    const ownership = is_ours === 't' ? [] : [`ALTER ${keyword} ${name} OWNER TO ${owner}`];
    const rest = [
      ...(await grantsOn(client, name!)),
      ...(await adornments(client, oid!, name!, keyword!)),
      ...ownership,
    ];
    views.push({
      name: name!,
      sql: sql!,
      rest,
      refresh: is_filled === 't' ? `REFRESH MATERIALIZED VIEW ${name}` : null,
    });
  }
  for (const { name, keyword } of rows.toReversed()) await query(client, `DROP ${keyword} ${name}`);
  return views;
}

/** Makes them again, as far as they still compile. Materialized ones are empty: to fill them would keep everybody out of the table. */
export async function restoreViews(client: ClientBase, views: readonly View[]): Promise<Remade> {
  const lost: View[] = [];
  for (const view of views) {
    await query(client, 'SAVEPOINT view');
    try {
      for (const sql of [view.sql, ...view.rest]) await query(client, sql);
    } catch (error) {
      if (sqlState(error) === INSUFFICIENT_PRIVILEGE) throw error; // it would compile
      await query(client, 'ROLLBACK TO view');
      lost.push(view);
    }
    await query(client, 'RELEASE view');
  }
  return { lost, empty: views.filter((view) => view.refresh !== null && !lost.includes(view)) };
}

/** Fills them, each in a transaction of its own: who reads one meanwhile waits for it. Returns those that cannot be filled. */
export async function refreshViews(client: ClientBase, { empty }: Remade): Promise<View[]> {
  const unfilled: View[] = [];
  for (const view of empty) await query(client, view.refresh!).catch(() => unfilled.push(view));
  return unfilled;
}

/** Whoever was granted something, as statements that grant it again. */
export async function grantsOn(client: ClientBase, name: string): Promise<string[]> {
  const { rows } = await query(
    client,
    `SELECT format('GRANT %s ON %s TO %s%s', privilege_type || column_list, $1::text,
       CASE grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(grantee)) END,
       CASE WHEN is_grantable THEN ' WITH GRANT OPTION' END) AS sql
     FROM (SELECT relowner, relacl AS acl, '' AS column_list FROM pg_class WHERE oid = to_regclass($1)
       UNION ALL SELECT relowner, attacl, format(' (%I)', attname) FROM pg_attribute
       JOIN pg_class ON pg_class.oid = attrelid WHERE attrelid = to_regclass($1) AND NOT attisdropped) AS granted,
     aclexplode(acl) WHERE grantee <> relowner`,
    [name],
  );
  return rows.map(({ sql }) => sql!);
}

/** Comments, indexes and triggers, as statements that make them again. */
async function adornments(client: ClientBase, oid: string, name: string, keyword: string): Promise<string[]> {
  const { rows } = await query(
    client,
    `SELECT format('COMMENT ON %s %s IS %L', $3::text, $2::text, text) AS sql
       FROM obj_description($1, 'pg_class') AS text WHERE text IS NOT NULL
     UNION ALL SELECT format('COMMENT ON COLUMN %s.%I IS %L', $2::text, attname, col_description(attrelid, attnum))
       FROM pg_attribute WHERE attrelid = $1 AND attnum > 0 AND col_description(attrelid, attnum) IS NOT NULL
     UNION ALL SELECT pg_get_indexdef(indexrelid) FROM pg_index WHERE indrelid = $1
     UNION ALL SELECT pg_get_triggerdef(oid) FROM pg_trigger WHERE tgrelid = $1 AND NOT tgisinternal`,
    [oid, name, keyword],
  );
  return rows.map(({ sql }) => sql!);
}

function belongsToAnother({ source }: TwinTable, keyword: string, name: string, owner: string): PgveilError {
  const message = `${source.name}: the new copy cannot take its place: the ${keyword.toLowerCase()} ${name} over it belongs to the role ${owner}`;
  const fix = `GRANT ${owner} TO the role that pgveil writes the twin with, or drop the view; then pgveil recopy '${source.name}'`;
  return new PgveilError('swap_blocked', message, { table: source.name, fix });
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
  SELECT view AS oid, name, keyword, quote_ident(pg_get_userbyid(relowner)) AS owner,
    pg_get_userbyid(relowner) = current_user AS is_ours, pg_has_role(relowner, 'USAGE') AS may_act,
    relkind = 'm' AND relispopulated AS is_filled,
    format('CREATE %s %s%s AS %s%s', keyword, name, ' WITH (' || array_to_string(reloptions, ', ') || ')',
      rtrim(pg_get_viewdef(view), ';'), CASE relkind WHEN 'm' THEN ' WITH NO DATA' END) AS sql
  FROM (SELECT view, max(depth) AS depth FROM dependent WHERE depth > 0 GROUP BY view) AS views
  JOIN pg_class ON pg_class.oid = view
  CROSS JOIN LATERAL (SELECT format('%I.%I', relnamespace::regnamespace::text, relname) AS name,
    CASE relkind WHEN 'm' THEN 'MATERIALIZED VIEW' ELSE 'VIEW' END AS keyword) AS named
  ORDER BY depth`;
