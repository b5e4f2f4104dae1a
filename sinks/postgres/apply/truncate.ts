import type { ClientBase } from 'pg';
import { LOCK_NOT_AVAILABLE } from '../../../src/postgres/sql-state.ts';
import { sqlState } from '../../../src/postgres/trouble.ts';
import { query } from '../query.ts';
import type { TwinTable } from '../twin-table.ts';

/** TRUNCATE of a table that somebody's foreign key points to. */
const FEATURE_NOT_SUPPORTED = '0A000';

/**
 * Empties a generation within the open transaction. TRUNCATE keeps readers out until the commit, and readers keep it waiting: after
 * 200 ms of that every row is deleted instead, which takes longer and disturbs nobody.
 */
export async function truncateGeneration(client: ClientBase, { generation }: TwinTable): Promise<void> {
  await query(client, `SAVEPOINT before_truncate; SET LOCAL lock_timeout = '200ms'`);
  try {
    await query(client, `TRUNCATE ${generation}`);
    await query(client, 'SET LOCAL lock_timeout = 0; RELEASE SAVEPOINT before_truncate');
  } catch (error) {
    if (![LOCK_NOT_AVAILABLE, FEATURE_NOT_SUPPORTED].includes(sqlState(error))) throw error;
    await query(client, 'ROLLBACK TO SAVEPOINT before_truncate; RELEASE SAVEPOINT before_truncate');
    // The session prefers the key's index for everything; to meet every row the table is the better way.
    await query(client, `SET LOCAL enable_seqscan = on; DELETE FROM ${generation}; SET LOCAL enable_seqscan = off`);
  }
}
