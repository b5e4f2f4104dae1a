import type { ClientBase } from 'pg';
import type { DatabaseIdentity } from '../core/identity.ts';
import type { Side } from './trouble.ts';
import { trouble } from './trouble.ts';

/** Any role may ask. */
export async function identify(client: ClientBase, side: Side): Promise<DatabaseIdentity> {
  try {
    const { rows } = await client.query(
      `SELECT system_identifier AS system, extract(epoch FROM pg_postmaster_start_time())::text AS started,
         (SELECT oid FROM pg_database WHERE datname = current_database()) AS oid
       FROM pg_control_system()`,
    );
    return { systemIdentifier: rows[0].system, startedAt: rows[0].started, databaseOid: Number(rows[0].oid) };
  } catch (error) {
    throw trouble(side, error);
  }
}
