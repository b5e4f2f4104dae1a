import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import type { Secret } from '../../src/core/secret.ts';
import { connect } from '../../src/postgres/connection.ts';
import { isPassing, trouble } from '../../src/postgres/trouble.ts';

/** So often, a second between, is a session tried whose first words meet a locked catalog; each try waits five seconds for it. */
const MOST_TRIES = 10;
const PAUSE_MS = 1000;

/** A session that reads the source for as long as a copy may take. `name` is what an operator sees in pg_stat_activity; `signal` ends the tries. */
export async function openReader(url: Secret, name: string, signal?: AbortSignal): Promise<pg.Client> {
  for (let tries = 1; ; tries++) {
    try {
      return await connect({ url, side: 'source', purpose: 'read', name });
    } catch (error) {
      if (!isPassing(error) || tries === MOST_TRIES) throw error;
    }
    await sleep(PAUSE_MS, undefined, { signal });
  }
}

/** The application_name of the connection that a pipeline's WAL comes in on. */
export function streamName(pipeline: string): string {
  return `pgveil ${pipeline} stream`;
}

/** When what was last asked through a client is answered. */
const answered = new WeakMap<pg.Client, Promise<unknown>>();

/** Rows of one statement, every value as its text. Several may ask the same client: one after another, as `pg` wants it. Rejects with a PgveilError. */
export async function ask<Row extends object = Record<string, string | null>>(
  client: pg.Client,
  sql: string,
  values: readonly unknown[] = [],
): Promise<Row[]> {
  const before = answered.get(client) ?? Promise.resolve();
  const answer = before.then(() => client.query<Row>(sql, [...values]));
  answered.set(
    client,
    answer.catch(() => {}),
  );
  try {
    return (await answer).rows;
  } catch (error) {
    throw trouble('source', error);
  }
}

/** How long a session may take to say goodbye: a peer that is gone never would. */
const GOODBYE_MS = 1000;

/** Ends a session, in the middle of a statement too. Never rejects; safe to call twice. */
export async function endSession(client: pg.Client): Promise<void> {
  const { stream } = (client as unknown as { connection: { stream: Socket } }).connection;
  const hangUp = setTimeout(() => stream.destroy(), GOODBYE_MS);
  await client.end().catch(() => {});
  clearTimeout(hangUp);
}
