// Where downloaded servers and their prepared data directories are kept between runs, and running ones have their data:
// on the checkout's own disk, as /tmp is memory on many machines.
import { randomBytes } from 'node:crypto';
import { chmodSync, existsSync, lstatSync, mkdirSync, realpathSync, statSync } from 'node:fs';
import { chown, mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Major } from '../postgres/majors.ts';
import { projectRoot } from '../project.ts';
import { reaper } from './reaper.ts';

/** Postgres refuses to run as root, so that root hands its servers to `nobody`. */
export const serverUser = process.getuid?.() === 0 ? { uid: 65534, gid: 65534 } : undefined;

/** `.servers` in the checkout; where `nobody` cannot enter the checkout (below /root, say), a directory of root's in /tmp. */
export function serversDirectory(): string {
  const inCheckout = join(projectRoot, '.servers');
  mkdirSync(inCheckout, { recursive: true });
  return serverUser === undefined || isOpenToAll(inCheckout) ? inCheckout : ownDirectoryIn('/tmp', 'pgveil-servers');
}

/** A directory for one running server, owned by the user that runs it; to remove it is the caller's part. */
export async function runDirectory(major: Major, parent = serversDirectory()): Promise<string> {
  const directory = await mkdtemp(join(parent, `run-${major}-`));
  if (serverUser) await chown(directory, serverUser.uid, serverUser.gid);
  return directory;
}

/**
 * Makes a directory once and for all processes: it is built beside its place and renamed there, so that nobody ever
 * sees half of it, and of two processes that want it at once both get a whole one.
 */
export async function buildOnce(place: string, build: (directory: string) => Promise<void>): Promise<string> {
  if (existsSync(place)) return place;
  const building = `${place}.${randomBytes(4).toString('hex')}`;
  await mkdir(building, { recursive: true });
  const cleaner = reaper('rm -rf "$1"', building);
  try {
    await build(building);
    await rename(building, place);
  } catch (error) {
    await rm(building, { recursive: true, force: true });
    if (!existsSync(place)) throw error; // else another process was faster
  } finally {
    cleaner.release();
  }
  return place;
}

function isOpenToAll(directory: string): boolean {
  for (let at = realpathSync(directory); ; at = dirname(at)) {
    if ((statSync(at).mode & 0o001) === 0) return false;
    if (at === dirname(at)) return true;
  }
}

function ownDirectoryIn(parent: string, name: string): string {
  const directory = join(parent, name);
  mkdirSync(directory, { recursive: true });
  const found = lstatSync(directory); // a stranger could have put programs of his own there, for us to run
  if (found.uid !== process.getuid?.() || !found.isDirectory() || (found.mode & 0o022) !== 0) {
    throw new Error(`${directory} exists and is not ours alone: remove it, or move the checkout out of /root`);
  }
  chmodSync(directory, 0o755); // whatever the umask is
  return directory;
}
