import type { ClientBase } from 'pg';
import { quoteName } from '../../src/postgres/quote.ts';
import { SCHEMA } from './names.ts';
import { inTransaction, query } from './query.ts';
import { type TwinOptions, withTwin } from './session.ts';
import { endPredecessor } from './takeover.ts';

/** What pgveil made for a pipeline. */
export interface Made {
  readonly checkpoint: boolean;
  /** Names of public tables, quoted where SQL needs it. */
  readonly tables: readonly string[];
}

export async function findMade(options: TwinOptions): Promise<Made> {
  return await withTwin(options, async (client) => {
    if (!(await isInstalled(client))) return { checkpoint: false, tables: [] };
    const checkpoint = await query(client, 'SELECT FROM pgveil.checkpoint WHERE pipeline = $1', [options.pipeline]);
    return { checkpoint: checkpoint.rowCount === 1, tables: await publicTables(client, options.pipeline) };
  });
}

/** pid of the session by which an instance of the pipeline writes there; null where none does. */
export async function findWriter(options: TwinOptions): Promise<string | null> {
  return await withTwin(options, async (client) => {
    if (!(await isInstalled(client))) return null;
    const { rows } = await query(
      client,
      `SELECT pid FROM pgveil.checkpoint JOIN pg_stat_activity ON pid = holder_pid AND backend_start = holder_start
       WHERE pipeline = $1`,
      [options.pipeline],
    );
    return rows[0]?.pid ?? null;
  });
}

/**
 * Forgets a pipeline: its checkpoint, its entries and every table that pgveil made for it. The schema `pgveil` goes when nothing is left in
 * it; schemas of public tables stay. An instance that still runs is fenced by it. Rejects, having changed nothing, where something of
 * somebody's own depends on a table.
 */
export async function dropPipeline(options: TwinOptions): Promise<void> {
  const { pipeline } = options;
  await withTwin(options, async (client) => {
    if (!(await isInstalled(client))) return;
    await endPredecessor(client, pipeline);
    await inTransaction(client, async () => {
      await query(client, 'SELECT FROM pgveil.checkpoint WHERE pipeline = $1 FOR UPDATE', [pipeline]);
      await dropTables(client, pipeline);
      for (const table of ['generation', 'table_entry', 'checkpoint']) {
        await query(client, `DELETE FROM pgveil.${table} WHERE pipeline = $1`, [pipeline]);
      }
      await dropEmptySchema(client);
    });
  });
}

async function isInstalled(client: ClientBase): Promise<boolean> {
  const { rows } = await query(client, `SELECT to_regclass('pgveil.generation') IS NOT NULL AS there`);
  return rows[0]!.there === 't';
}

async function publicTables(client: ClientBase, pipeline: string): Promise<string[]> {
  const { rows } = await query(
    client,
    'SELECT DISTINCT oid::regclass::text AS name FROM pgveil.generation JOIN pg_class ON oid = root WHERE pipeline = $1 ORDER BY 1',
    [pipeline],
  );
  return rows.map(({ name }) => name!);
}

async function dropTables(client: ClientBase, pipeline: string): Promise<void> {
  for (const name of await publicTables(client, pipeline)) await query(client, `DROP TABLE ${name}`);
  const generations = await query(client, 'SELECT relation FROM pgveil.generation WHERE pipeline = $1', [pipeline]);
  for (const { relation } of generations.rows) {
    await query(client, `DROP TABLE IF EXISTS ${SCHEMA}.${quoteName(relation!)}`);
  }
}

/** Other pipelines need it, and tables that somebody made there. */
async function dropEmptySchema(client: ClientBase): Promise<void> {
  const { rows } = await query(
    client,
    `SELECT EXISTS (SELECT FROM pgveil.checkpoint) OR EXISTS (SELECT FROM pg_class WHERE relkind = 'r'
       AND relnamespace = 'pgveil'::regnamespace AND relname NOT IN ('checkpoint', 'table_entry', 'generation')) AS needed`,
  );
  if (rows[0]!.needed === 't') return;
  await query(client, 'DROP TABLE pgveil.generation, pgveil.table_entry, pgveil.checkpoint; DROP SCHEMA pgveil');
}
