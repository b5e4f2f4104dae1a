import type pg from 'pg';
import type { Finding } from '../../../src/core/errors.ts';
import type { Table } from '../../../src/core/table.ts';
import { quoteName, quoteTable } from '../../../src/postgres/quote.ts';
import { createSql, type Publication, publishable, readPublication, stepSql } from '../catalog/publication.ts';
import type { Reading, TableReading } from '../catalog/reading.ts';
import { ask } from '../session.ts';

/** Whether the publication is there or may be made, and sends all changes of all listed tables, whole. */
export async function checkPublication(client: pg.Client, name: string, reading: Reading): Promise<Finding[]> {
  const publication = await readPublication(client, name);
  const tables = publishable(reading);
  if (!publication) return await missing(client, name, tables);
  // What somebody did to one of ours a run puts right, unless it may not.
  const isMended = publication.made && (await notOwnedOf(client, tables)).length === 0;
  const unfit = [
    ...(isMended ? [] : incomplete(name, publication, reading)),
    ...(await lacking(client, name, publication, tables)),
  ];
  const object = `publication ${quoteName(name)}`;
  return unfit.map(([message, fix]) => ({ code: 'publication_unfit', object, message: `${object} ${message}`, fix }));
}

async function missing(client: pg.Client, name: string, tables: readonly Table<'raw'>[]): Promise<Finding[]> {
  const [row] = await ask<{ may: string }>(
    client,
    "SELECT has_database_privilege(current_database(), 'CREATE') AS may",
  );
  const notOwned = await notOwnedOf(client, tables);
  if (row!.may === 't' && notOwned.length === 0) return [];
  const object = `publication ${quoteName(name)}`;
  const why = row!.may === 't' ? `the role does not own ${names(notOwned)}` : 'the role lacks CREATE on the database';
  const message = `${object} is not there and cannot be created: ${why}`;
  return [{ code: 'publication_missing', object, message, fix: await createSql(client, name, tables) }];
}

async function notOwnedOf(client: pg.Client, tables: readonly Table<'raw'>[]): Promise<Table<'raw'>[]> {
  const rows = await ask<{ oid: string }>(
    client,
    "SELECT oid FROM pg_class WHERE oid = ANY ($1::oid[]) AND NOT pg_has_role(relowner, 'USAGE')",
    [tables.map(({ oid }) => oid)],
  );
  return tables.filter(({ oid }) => rows.some((row) => Number(row.oid) === oid));
}

/** What is wrong, as the words after the publication's name, and the SQL that mends it. */
export type Unfit = readonly [message: string, fix: string];

/** What it keeps back of the tables that it has. */
export function incomplete(name: string, publication: Publication, reading: Pick<Reading, 'tables'>): Unfit[] {
  return [...settings(name, publication, reading), ...partial(name, publication, publishable(reading))];
}

function settings(name: string, publication: Publication, reading: Pick<Reading, 'tables'>): Unfit[] {
  const set = (setting: string) => `ALTER PUBLICATION ${quoteName(name)} SET (${setting});`;
  const unfit: Unfit[] = [];
  if (!publication.complete) {
    unfit.push(['does not publish all operations', set("publish = 'insert, update, delete, truncate'")]);
  }
  if (!publication.viaRoot && [...reading.tables.values()].some(isPartitioned)) {
    unfit.push(['publishes partitions, not the listed tables', set('publish_via_partition_root = true')]);
  }
  return unfit;
}

const isPartitioned = ({ table, leaves }: TableReading) =>
  table !== null && leaves.some(({ oid }) => oid !== table.oid);

/** A row filter or a column list: the copy would have rows and columns that the stream never mentions. */
function partial(name: string, { members }: Publication, tables: readonly Table<'raw'>[]): Unfit[] {
  return members
    .filter((member) => member.partial && tables.some(({ oid }) => oid === member.oid))
    .map((member) => {
      const table = quoteTable(member);
      const alter = (how: string) => `ALTER PUBLICATION ${quoteName(name)} ${how} TABLE ONLY ${table};`;
      return [`has a row filter or a column list for ${table}`, `${alter('DROP')} ${alter('ADD')}`];
    });
}

/** By what it really sends: named tables, all tables, tables of a schema, and a partition only where its whole table is not sent. */
async function lacking(
  client: pg.Client,
  name: string,
  publication: Publication,
  tables: readonly Table<'raw'>[],
): Promise<Unfit[]> {
  const sent = await ask<{ oid: string }>(
    client,
    `SELECT c.oid FROM pg_publication_tables p
    JOIN pg_namespace n ON n.nspname = p.schemaname JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = p.tablename
    WHERE p.pubname = $1`,
    [name],
  );
  const unsent = tables.filter(({ oid }) => !sent.some((row) => Number(row.oid) === oid));
  const named = unsent.filter(
    ({ oid }) => publication.allTables || publication.members.some((member) => member.oid === oid),
  );
  const absent = unsent.filter((table) => !named.includes(table));
  const unfit: Unfit[] = [];
  // It has the table and sends it under another name: a partitioned table without via_root (said above), or a partition of one that it sends.
  if (named.length > 0 && publication.viaRoot) {
    unfit.push([`sends ${names(named)} as a part of a partitioned table`, 'List the partitioned table instead.']);
  }
  const addedByRun = publication.made && (await notOwnedOf(client, absent)).length === 0;
  if (absent.length > 0 && !addedByRun) unfit.push([`lacks ${names(absent)}`, stepSql(name, [], absent)]);
  return unfit;
}

const names = (tables: readonly Table<'raw'>[]) => tables.map(quoteTable).join(', ');
