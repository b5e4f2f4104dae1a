// A disk that can be full: a file system of its own, in memory, for the files of one server.
import { execFile } from 'node:child_process';
import { chmod, mkdtemp, open, rm, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type Reaper, reaper } from './reaper.ts';
import { serversDirectory } from './servers-directory.ts';

const execute = promisify(execFile);

const PIECE = Buffer.alloc(1024 * 1024);
const LAST_PIECES = Buffer.alloc(4096);

export class SmallDisk implements AsyncDisposable {
  /** Where it is mounted. */
  readonly directory: string;
  readonly #umount: readonly string[];
  readonly #reaper: Reaper;

  private constructor(directory: string, umount: readonly string[]) {
    this.directory = directory;
    this.#umount = umount;
    this.#reaper = reaper('sleep 2; umount -l "$1"; rmdir "$1"', directory);
  }

  /** Null where this machine lets nobody mount one who cannot be root without a password. */
  static async mount(megabytes: number): Promise<SmallDisk | null> {
    const directory = await mkdtemp(join(serversDirectory(), 'run-disk-'));
    for (const sudo of [[], ['sudo', '-n']]) {
      const command = [...sudo, 'mount', '-t', 'tmpfs', '-o', `size=${megabytes}m,mode=777`, 'tmpfs', directory];
      if (await succeeds(command)) return new SmallDisk(directory, [...sudo, 'umount', '-l', directory]);
    }
    await rmdir(directory);
    return null;
  }

  /** Takes all room that is left. */
  async fill(): Promise<void> {
    await using file = await open(this.#filler, 'a');
    await chmod(this.#filler, 0o666);
    for (const piece of [PIECE, LAST_PIECES]) while (await isWritten(file.appendFile(piece))) {}
  }

  async free(): Promise<void> {
    await rm(this.#filler, { force: true });
  }

  get #filler(): string {
    return join(this.directory, 'filler');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (await succeeds(this.#umount)) await rmdir(this.directory);
    this.#reaper.release();
  }
}

async function isWritten(writing: Promise<void>): Promise<boolean> {
  try {
    await writing;
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOSPC') return false;
    throw error;
  }
}

async function succeeds([program, ...args]: readonly string[]): Promise<boolean> {
  return await execute(program!, args).then(
    () => true,
    () => false,
  );
}
