import { once } from 'node:events';
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

/** COPY … FROM STDIN, fed piece by piece; a piece may end inside a row. */
export interface CopyIn {
  /** Resolves when the socket takes more; rejects with what the server said as soon as it is known. */
  write(bytes: Buffer): Promise<void>;
  /** Ends the data; resolves with the number of rows. */
  end(): Promise<number>;
}

export function copyIn(client: ClientBase, sql: string, side: Side): CopyIn {
  const stream = client.query(copyStreams.from(sql));
  let failure: Error | null = null;
  stream.on('error', (error) => {
    failure ??= trouble(side, error);
  });
  return {
    async write(bytes) {
      if (failure) throw failure;
      if (stream.write(bytes)) return;
      await once(stream, 'drain').catch(() => {});
      if (failure) throw failure;
    },
    async end() {
      if (!failure) {
        stream.end();
        await once(stream, 'finish').catch(() => {});
      }
      if (failure) throw failure;
      return stream.rowCount;
    },
  };
}
