import type { ClientBase } from 'pg';
import copyStreams from 'pg-copy-streams';
import { type Side, trouble } from './trouble.ts';

/** COPY … TO STDOUT: the bytes as they come, cut anywhere. Breaking off the loop early leaves the connection unusable: end it. */
export async function* copyOut(client: ClientBase, sql: string, side: Side): AsyncGenerator<Buffer> {
  try {
    yield* client.query(copyStreams.to(sql));
  } catch (error) {
    throw trouble(side, error);
  }
}
