import type { ClientBase } from 'pg';
import type { TableEntry } from '../../../src/core/checkpoint.ts';
import { reach } from '../../../src/core/fault.ts';
import { quoteName, quoteTable } from '../../../src/postgres/quote.ts';
import { type Claim, holdEpoch, saveEntry } from '../checkpoint.ts';
import { LOCKS } from '../locks.ts';
import { SCHEMA } from '../names.ts';
import { inTransaction, query } from '../query.ts';
import type { TwinTable } from '../twin-table.ts';
import { findRoot } from './generation.ts';
import { fitColumns, losesColumns } from './root.ts';
import { dropViews, grantsOn, type Remade, restoreViews } from './views.ts';

/**
 * Puts a finished generation in the place of the one before, in a transaction of its own: the public table is a partitioned table
 * whose one partition, the default, is the generation. `entry` becomes durable with it. Readers wait for a moment; it never waits
 * longer than 200 ms for them, since everybody else would queue behind it, and rejects then with SQLSTATE 55P03: try again.
 * Views over columns that go or change their type are made again; returns what became of them.
 */
export async function swap(client: ClientBase, claim: Claim, table: TwinTable, entry: TableEntry): Promise<Remade> {
  const name = quoteTable(table.source);
  const remade = await inTransaction(client, async () => {
    await query(client, `SET LOCAL lock_timeout = '200ms'`);
    await holdEpoch(client, claim);
    const root = await findRoot(client, claim, table);
    const old = await oldGenerations(client, claim, table);
    for (const { relation, attached } of old) {
      if (attached) await query(client, `ALTER TABLE ${name} DETACH PARTITION ${relation}`);
    }
    const views = root && (await losesColumns(client, table, root)) ? await dropViews(client, table, root) : [];
    if (!root || !(await fitColumns(client, table, root))) await createRoot(client, table, root);
    await query(client, `ALTER TABLE ${name} ATTACH PARTITION ${table.generation} DEFAULT`);
    const remade = await restoreViews(client, views);
    for (const { relation } of old) await query(client, `DROP TABLE IF EXISTS ${relation}`);
    await record(client, claim, table);
    await saveEntry(client, claim.pipeline, table.source.name, entry);
    return remade;
  });
  reach('table attached');
  return remade;
}

/** Who holds the table, in words, for somebody who waits for the swap. */
export async function holders(client: ClientBase, table: TwinTable): Promise<string> {
  const { rows } = await query(
    client,
    `SELECT DISTINCT pid, application_name FROM ${LOCKS} WHERE granted AND pid <> pg_backend_pid() AND relation IN (
       SELECT to_regclass($1) UNION SELECT inhrelid FROM pg_inherits WHERE inhparent = to_regclass($1)) ORDER BY pid`,
    [quoteTable(table.source)],
  );
  return (
    rows.map(({ pid, application_name }) => `pid ${pid} (${application_name || 'unnamed'})`).join(', ') ||
    'nobody any more'
  );
}

async function oldGenerations(client: ClientBase, { pipeline }: Claim, table: TwinTable) {
  const { rows } = await query(
    client,
    `SELECT relation, EXISTS (SELECT FROM pg_inherits
       WHERE inhparent = root AND inhrelid = to_regclass(format('pgveil.%I', relation))) AS attached
     FROM pgveil.generation WHERE pipeline = $1 AND source_table = $2 AND relation <> $3`,
    [pipeline, table.source.name, table.relation],
  );
  return rows.map(({ relation, attached }) => ({
    relation: `${SCHEMA}.${quoteName(relation!)}`,
    attached: attached === 't',
  }));
}

/**
 * By list, because every type that a key may have can be listed, the default partition needs no bounds, and attaching it without
 * others beside it needs no scan.
 */
async function createRoot(client: ClientBase, table: TwinTable, old: string | null): Promise<void> {
  const name = quoteTable(table.source);
  const grants = old ? await grantsOn(client, name) : [];
  if (old) await query(client, `DROP TABLE ${name}`);
  await query(
    client,
    `CREATE TABLE ${name} (LIKE ${table.generation}, PRIMARY KEY (${table.key.name})) PARTITION BY LIST (${table.key.name})`,
  );
  for (const grant of grants) await query(client, grant);
}

async function record(client: ClientBase, { pipeline }: Claim, table: TwinTable): Promise<void> {
  await query(client, 'DELETE FROM pgveil.generation WHERE pipeline = $1 AND source_table = $2 AND relation <> $3', [
    pipeline,
    table.source.name,
    table.relation,
  ]);
  await query(client, 'UPDATE pgveil.generation SET root = to_regclass($2) WHERE relation = $1', [
    table.relation,
    quoteTable(table.source),
  ]);
}
