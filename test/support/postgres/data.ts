// What a backup does with a server's data directory, which only a server of one's own has (`own`). The server is stopped meanwhile.
import { execFileSync } from 'node:child_process';
import { chownSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { PostgresServer } from './postgres.ts';

/** A copy beside it, in the place of the one before. */
export function copyData({ dataDirectory }: PostgresServer): string {
  const copy = `${dataDirectory}.copy`;
  rmSync(copy, { recursive: true, force: true });
  execFileSync('cp', ['-a', dataDirectory, copy]);
  return copy;
}

/** Puts another data directory in the place of the server's own. */
export function replaceData({ dataDirectory }: PostgresServer, directory: string): void {
  rmSync(dataDirectory, { recursive: true });
  execFileSync('cp', ['-a', directory, dataDirectory]);
}

/** With the owner of the directory, which the server insists on. */
export function writeData({ dataDirectory }: PostgresServer, file: string, text: string): void {
  const { uid, gid } = statSync(dataDirectory);
  writeFileSync(join(dataDirectory, file), text);
  chownSync(join(dataDirectory, file), uid, gid);
}
