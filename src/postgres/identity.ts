import type pg from 'pg';
import { type Side, trouble } from './trouble.ts';

/** Which database of which server: equal for source and twin only where they are the same one, whatever their addresses look like. */
export interface Identity {
  readonly systemIdentifier: string;
  readonly databaseOid: number;
}

/** Any role may ask. */
export async function identify(client: pg.Client, side: Side): Promise<Identity> {
  try {
    const { rows } = await client.query(
      `SELECT system_identifier::text AS system, (SELECT oid FROM pg_database WHERE datname = current_database())::text AS oid
      FROM pg_control_system()`,
    );
    return { systemIdentifier: rows[0].system, databaseOid: Number(rows[0].oid) };
  } catch (error) {
    throw trouble(side, error);
  }
}
