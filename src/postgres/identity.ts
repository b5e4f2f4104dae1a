import type { ClientBase } from 'pg';
import type { Side } from './trouble.ts';
import { trouble } from './trouble.ts';

/** Which database of which server a connection leads to: equal for source and twin only where they are one, whatever their addresses. */
export interface Identity {
  readonly systemIdentifier: string;
  /** pg_postmaster_start_time() in seconds since 1970: a clone made from a base backup has the system identifier of its original. */
  readonly startedAt: string;
  readonly databaseOid: number;
}

/** Any role may ask. */
export async function identify(client: ClientBase, side: Side): Promise<Identity> {
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
