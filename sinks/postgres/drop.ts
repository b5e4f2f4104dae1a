import type { ClientBase } from 'pg';
import { quoteName } from '../../src/postgres/quote.ts';
import { SCHEMA } from './names.ts';
import { inTransaction, query } from './query.ts';
import { endPredecessor } from './takeover.ts';

/**
 * Forgets a pipeline: its checkpoint, its entries and, with `data`, every table that pgveil made for it. Without `data` the tables
 * stay, and are pgveil's no longer. The schema `pgveil` goes when nothing is left in it; schemas of public tables stay. An instance
 * that still runs is fenced by it. Rejects, having changed nothing, where something of somebody's own depends on a table.
 */
export async function dropPipeline(
  client: ClientBase,
  pipeline: string,
  { data }: { readonly data: boolean },
): Promise<void> {
  const { rows } = await query(client, `SELECT to_regclass('pgveil.generation') IS NOT NULL AS there`);
  if (rows[0]!.there !== 't') return;
  await endPredecessor(client, pipeline);
  await inTransaction(client, async () => {
    await query(client, 'SELECT FROM pgveil.checkpoint WHERE pipeline = $1 FOR UPDATE', [pipeline]);
    if (data) await dropTables(client, pipeline);
    for (const table of ['generation', 'table_entry', 'checkpoint']) {
      await query(client, `DELETE FROM pgveil.${table} WHERE pipeline = $1`, [pipeline]);
    }
    await dropEmptySchema(client);
  });
}

async function dropTables(client: ClientBase, pipeline: string): Promise<void> {
  const roots = await query(
    client,
    'SELECT DISTINCT oid::regclass AS name FROM pgveil.generation JOIN pg_class ON oid = root WHERE pipeline = $1',
    [pipeline],
  );
  for (const { name } of roots.rows) await query(client, `DROP TABLE ${name}`);
  const generations = await query(client, 'SELECT relation FROM pgveil.generation WHERE pipeline = $1', [pipeline]);
  for (const { relation } of generations.rows) {
    await query(client, `DROP TABLE IF EXISTS ${SCHEMA}.${quoteName(relation!)}`);
  }
}

/** Other pipelines, and tables that were left standing, need it. */
async function dropEmptySchema(client: ClientBase): Promise<void> {
  const { rows } = await query(
    client,
    `SELECT EXISTS (SELECT FROM pgveil.checkpoint) OR EXISTS (SELECT FROM pg_class WHERE relkind = 'r'
       AND relnamespace = 'pgveil'::regnamespace AND relname NOT IN ('checkpoint', 'table_entry', 'generation')) AS needed`,
  );
  if (rows[0]!.needed === 't') return;
  await query(client, 'DROP TABLE pgveil.generation, pgveil.table_entry, pgveil.checkpoint; DROP SCHEMA pgveil');
}
