import type pg from 'pg';
import { ERRORS, type Finding } from '../../../src/core/errors.ts';
import { quoteName, quoteTable } from '../../../src/postgres/quote.ts';
import type { Leaf, Reading, TableReading } from '../catalog/reading.ts';
import { ask } from '../session.ts';
import type { Expected } from './expected.ts';

/** What concerns single tables: they halt alone, unless the configuration is wrong. */
export async function checkTables(
  client: pg.Client,
  reading: Reading,
  role: string,
  expected: Expected,
): Promise<Finding[]> {
  const rights = await readRights(client, reading);
  return [...reading.tables].flatMap(([name, table]) => [
    ...reserved(name, expected),
    ...(table.problem ? [asFinding(name, table.problem)] : unreadable(name, table.leaves, rights, role)),
  ]);
}

/** A table that is not there was never there: `check` knows no other time, and a mistyped name is an error of the configuration. */
function asFinding(object: string, { code, message, fix }: Exclude<TableReading['problem'], null>): Finding {
  return { code: code === 'table_missing' ? 'unknown_table' : code, object, message, fix };
}

function reserved(name: string, { tables }: Expected): Finding[] {
  if (tables.get(name)?.schema !== 'pgveil') return [];
  const message = `${name} is in a schema called pgveil, which the twin needs for itself`;
  return [{ code: 'reserved_schema', object: name, message, fix: ERRORS.reserved_schema.fix }];
}

interface Rights {
  readonly usage: boolean;
  readonly select: boolean;
  readonly rowSecurity: boolean;
}

/** A copy reads the leaves themselves: only their own rights and policies count, not those of the partitioned table. */
async function readRights(client: pg.Client, reading: Reading): Promise<ReadonlyMap<number, Rights>> {
  const oids = [...reading.tables.values()].flatMap(({ leaves }) => leaves.map(({ oid }) => oid));
  const rows = await ask(
    client,
    `SELECT c.oid, has_schema_privilege(c.relnamespace, 'USAGE') AS usage, has_table_privilege(c.oid, 'SELECT') AS select,
      row_security_active(c.oid) AS row_security
    FROM pg_class c WHERE c.oid = ANY ($1::oid[])`,
    [oids],
  );
  return new Map(
    rows.map(({ oid, usage, select, row_security }) => [
      Number(oid),
      { usage: usage === 't', select: select === 't', rowSecurity: row_security === 't' },
    ]),
  );
}

function unreadable(
  name: string,
  leaves: readonly Leaf[],
  rights: ReadonlyMap<number, Rights>,
  role: string,
): Finding[] {
  const to = quoteName(role);
  const grants = new Set<string>();
  let message = '';
  for (const leaf of leaves) {
    const { usage, select, rowSecurity } = rights.get(leaf.oid) ?? { usage: true, select: true, rowSecurity: false };
    if (!usage) grants.add(`GRANT USAGE ON SCHEMA ${quoteName(leaf.schema)} TO ${to};`);
    if (!select) grants.add(`GRANT SELECT ON ${quoteTable(leaf)} TO ${to};`);
    if (rowSecurity) grants.add(`ALTER ROLE ${to} BYPASSRLS;`);
    if (!usage || !select) message ||= `the role ${to} may not read ${quoteTable(leaf)}`;
    else if (rowSecurity) message ||= `row-level security would hide rows of ${quoteTable(leaf)} from the role ${to}`;
  }
  if (grants.size === 0) return [];
  return [{ code: 'table_unreadable', object: name, message: `${name}: ${message}`, fix: [...grants].join(' ') }];
}
