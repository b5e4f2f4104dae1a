import type { ClientBase, QueryResult } from 'pg';
import { trouble } from '../../src/postgres/trouble.ts';

/** A statement on the twin. Every value comes as text, or null. Rejects with a PgveilError. */
export async function query(
  client: ClientBase,
  sql: string,
  values?: readonly unknown[],
): Promise<QueryResult<Record<string, string | null>>> {
  try {
    return await client.query(sql, values as unknown[] | undefined);
  } catch (error) {
    throw trouble('twin', error);
  }
}

/** Runs `work` in a transaction of its own. */
export async function inTransaction<T>(client: ClientBase, work: () => Promise<T>): Promise<T> {
  await query(client, 'BEGIN');
  try {
    const result = await work();
    await query(client, 'COMMIT');
    return result;
  } catch (error) {
    // Where the connection is gone this fails too, and the first error is the one to tell.
    await client.query('ROLLBACK').catch(() => {});
    throw error;
  }
}
