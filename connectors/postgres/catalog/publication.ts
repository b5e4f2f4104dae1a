import type pg from 'pg';
import { PgveilError } from '../../../src/core/errors.ts';
import type { Secret } from '../../../src/core/secret.ts';
import type { Table } from '../../../src/core/table.ts';
import { connect } from '../../../src/postgres/connection.ts';
import { quoteName, quoteTable, quoteText } from '../../../src/postgres/quote.ts';
import { INSUFFICIENT_PRIVILEGE } from '../../../src/postgres/sql-state.ts';
import { sqlState, trouble } from '../../../src/postgres/trouble.ts';
import { ask, endSession } from '../session.ts';
import { IS_OURS, MARK } from './query.ts';
import type { Reading } from './reading.ts';

/** Nobody reads them; but a table whose replica identity holds one must go on taking the application's writes (docs/decisions/0020). */
const SEND_GENERATED = 'publish_generated_columns = stored';

export interface Publication {
  readonly allTables: boolean;
  readonly viaRoot: boolean;
  /** It publishes inserts, updates, deletes and truncates. */
  readonly complete: boolean;
  /** It leaves out stored generated columns: since 18 the server then refuses UPDATE and DELETE where a replica identity holds one. */
  readonly lacksGenerated: boolean;
  /** By its comment: pgveil made it, or a person by the SQL that pgveil printed. */
  readonly made: boolean;
  /** It was made so, and the role may alter it. */
  readonly isOurs: boolean;
  /** The tables it names itself. */
  readonly members: readonly Member[];
}

interface Member {
  readonly oid: number;
  readonly schema: string;
  readonly relation: string;
  /** It has a row filter or a column list. */
  readonly partial: boolean;
}

/** Null where there is none of that name. Columns that only newer servers have are looked up by name. */
export async function readPublication(client: pg.Client, name: string): Promise<Publication | null> {
  const [row] = await ask(
    client,
    `SELECT p.puballtables, p.pubviaroot, p.pubinsert AND p.pubupdate AND p.pubdelete AND p.pubtruncate AS complete,
      coalesce(to_jsonb(p) ->> 'pubgencols' = 'n', false) AS lacks_generated,
      obj_description(p.oid, 'pg_publication') IS NOT DISTINCT FROM $2 AS made, ${IS_OURS} AS ours,
      (SELECT coalesce(json_agg(json_build_object('oid', c.oid::bigint, 'schema', n.nspname, 'relation', c.relname,
          'partial', coalesce(to_jsonb(r) ->> 'prqual', to_jsonb(r) ->> 'prattrs') IS NOT NULL)), '[]')
        FROM pg_publication_rel r JOIN pg_class c ON c.oid = r.prrelid JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE r.prpubid = p.oid) AS members
    FROM pg_publication p WHERE p.pubname = $1`,
    [name, MARK],
  );
  if (!row) return null;
  return {
    allTables: row.puballtables === 't',
    viaRoot: row.pubviaroot === 't',
    complete: row.complete === 't',
    lacksGenerated: row.lacks_generated === 't',
    made: row.made === 't',
    isOurs: row.ours === 't',
    members: JSON.parse(row.members ?? '[]'),
  };
}

/**
 * Makes the publication where it is absent, and brings the tables of one that pgveil made into step. Call it before the slot is made.
 * Rejects with `publication_missing` or `publication_unfit`, the SQL as its fix, where the role may not.
 */
export async function keepPublication(url: Secret, observer: pg.Client, name: string, reading: Reading): Promise<void> {
  const found = await readPublication(observer, name);
  const tables = publishable(reading);
  if (!found) return await run(url, await createSql(observer, name, tables), 'publication_missing');
  if (!found.made || found.allTables) return;
  const step = `${settingsSql(name, found)} ${stepSql(name, found.members, tables)}`.trim();
  if (step) await run(url, step, 'publication_unfit');
}

function settingsSql(name: string, { complete, viaRoot, lacksGenerated, isOurs }: Publication): string {
  const set = [
    ...(complete ? [] : [`publish = 'insert, update, delete, truncate'`]),
    ...(viaRoot ? [] : ['publish_via_partition_root = true']),
    ...(lacksGenerated && isOurs ? [SEND_GENERATED] : []),
  ];
  return set.length === 0 ? '' : `ALTER PUBLICATION ${quoteName(name)} SET (${set.join(', ')});`;
}

/** Removes it if pgveil made it. */
export async function dropPublication(url: Secret, observer: pg.Client, name: string): Promise<void> {
  if ((await readPublication(observer, name))?.made)
    await run(url, `DROP PUBLICATION ${quoteName(name)}`, 'source_rights');
}

/** A table without a usable replica identity must never be in it: its UPDATEs and DELETEs would fail, in the application. */
export function publishable(reading: Pick<Reading, 'tables'>): Table<'raw'>[] {
  return [...reading.tables.values()].flatMap(({ table }) => table ?? []);
}

export type Named = Omit<Member, 'partial'> & Partial<Member>;

/** ONLY, since tables that inherit from a listed one are tables of their own. */
const list = (tables: readonly Named[]) => tables.map((table) => `ONLY ${quoteTable(table)}`).join(', ');

export async function createSql(client: pg.Client, name: string, tables: readonly Named[]): Promise<string> {
  const what = tables.length > 0 ? ` FOR TABLE ${list(tables)}` : '';
  const settings = ['publish_via_partition_root = true', ...((await knowsGenerated(client)) ? [SEND_GENERATED] : [])];
  const create = `CREATE PUBLICATION ${quoteName(name)}${what} WITH (${settings.join(', ')});`;
  return `${create} COMMENT ON PUBLICATION ${quoteName(name)} IS ${quoteText(MARK)};`;
}

/** Since 18. */
async function knowsGenerated(client: pg.Client): Promise<boolean> {
  const [row] = await ask(
    client,
    `SELECT EXISTS (SELECT FROM pg_attribute WHERE attrelid = 'pg_publication'::regclass AND attname = 'pubgencols') AS knows`,
  );
  return row!.knows === 't';
}

/** '' where nothing is to be done. A row filter and a list of columns go: a copy has what they keep back. */
export function stepSql(name: string, members: readonly Named[], tables: readonly Named[]): string {
  const missing = tables.filter(({ oid }) => !members.some((member) => member.oid === oid && !member.partial));
  const unlisted = members.filter(({ oid, partial }) => partial || !tables.some((table) => table.oid === oid));
  const alter = (how: string, which: readonly Named[]) =>
    which.length > 0 ? [`ALTER PUBLICATION ${quoteName(name)} ${how} TABLE ${list(which)};`] : [];
  return [...alter('DROP', unlisted), ...alter('ADD', missing)].join(' ');
}

/** Takes these tables out. It waits for no reader or writer of theirs. */
export async function withdraw(url: Secret, name: string, tables: readonly Named[]): Promise<void> {
  await run(url, `ALTER PUBLICATION ${quoteName(name)} DROP TABLE ${list(tables)}`, 'publication_unfit');
}

/** Has one of ours that an older pgveil made send stored generated columns. False where there is nothing to do. */
export async function sendGenerated(
  url: Secret,
  read: (name: string) => ReturnType<typeof readPublication>,
  name: string,
): Promise<boolean> {
  const found = await read(name);
  if (!found?.isOurs || !found.lacksGenerated) return false;
  await run(url, `ALTER PUBLICATION ${quoteName(name)} SET (${SEND_GENERATED})`, 'publication_unfit');
  return true;
}

/** Several statements at once are one transaction. */
async function run(url: Secret, sql: string, refused: 'publication_missing' | 'publication_unfit' | 'source_rights') {
  const client = await connect({ url, side: 'source', purpose: 'publish', name: 'pgveil publication' });
  try {
    await client.query(sql);
  } catch (error) {
    if (sqlState(error) !== INSUFFICIENT_PRIVILEGE) throw trouble('source', error);
    throw new PgveilError(refused, trouble('source', error).message, { fix: sql });
  } finally {
    await endSession(client);
  }
}
