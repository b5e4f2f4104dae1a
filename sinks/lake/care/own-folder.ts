import { readdir, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

/** A folder of this process for files on their way, since several may look after a lake at once. Removes those of processes that were killed. */
export async function ownFolder(temporary: string): Promise<string> {
  const prefix = `${basename(temporary)}-care-`;
  for (const name of await readdir(dirname(temporary)).catch(() => [])) {
    const pid = name.startsWith(prefix) ? Number(name.slice(prefix.length)) : 0;
    if (pid > 0 && !isAlive(pid)) await rm(join(dirname(temporary), name), { recursive: true, force: true });
  }
  return ownPath(temporary);
}

export async function removeOwnFolder(temporary: string): Promise<void> {
  await rm(ownPath(temporary), { recursive: true, force: true });
}

function ownPath(temporary: string): string {
  return `${temporary}-care-${process.pid}`;
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'; // another user's
  }
}
