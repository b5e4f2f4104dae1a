import assert from 'node:assert/strict';
import type pg from 'pg';
import { until } from '../test/support/wait.ts';
import type { Database, Servers } from './servers.ts';

const LOOK_EVERY_MS = 10;
const PATIENCE_MS = 10 * 60_000;

/** Resolves with the time, as performance.now() has it, when a look first gave true. */
export async function seen(what: string, look: () => Promise<boolean>): Promise<number> {
  await until(look, { what, interval: LOOK_EVERY_MS, timeout: PATIENCE_MS });
  return performance.now();
}

/** Whether a query gives a row. */
export async function finds(client: pg.Client, sql: string, values: unknown[] = []): Promise<boolean> {
  const { rowCount } = await client.query(sql, values);
  return rowCount !== 0;
}

const CONTENT = `SELECT count(*), sum(hashtextextended((id, balance, created_at, updated_at, active, address, notes)::text, 0))
  FROM customers`;

/** A side that lost something has no figures: rejects unless it has what the source has, in the columns that nobody redacts. */
export async function assertSame(servers: Servers, database: Database): Promise<void> {
  const [there, source] = [await servers.query(database, CONTENT), await servers.query('source', CONTENT)];
  assert.deepEqual(there, source, `${database} does not hold what the source does`);
}
