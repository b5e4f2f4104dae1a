import type { Checkpoint } from '../../src/core/checkpoint.ts';
import { readCheckpoint } from './checkpoint.ts';
import { query } from './query.ts';
import { type TwinOptions, withTwin } from './session.ts';

/** Which database a connection leads to: equal where source and twin are one. */
export interface Identity {
  readonly systemIdentifier: string;
  readonly databaseOid: number;
}

export async function identify(options: TwinOptions): Promise<Identity> {
  return await withTwin(options, async (client) => {
    const { rows } = await query(
      client,
      `SELECT system_identifier, (SELECT oid FROM pg_database WHERE datname = current_database()) AS database_oid
       FROM pg_control_system()`,
    );
    return { systemIdentifier: rows[0]!.system_identifier!, databaseOid: Number(rows[0]!.database_oid) };
  });
}

/** What is durable, without taking anything over; null where nothing is. Rejects with `newer_checkpoint`. */
export async function storedCheckpoint(options: TwinOptions): Promise<Checkpoint | null> {
  return await withTwin(options, (client) => readCheckpoint(client, options.pipeline));
}
