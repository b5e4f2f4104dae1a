import { randomUUID } from 'node:crypto';
import { copyFile, link, mkdir, open, readdir, readFile, rename, rm, rmdir, stat } from 'node:fs/promises';
import { dirname, join, relative, sep } from 'node:path';
import { asTrouble } from '../trouble.ts';
import type { Storage, Stored, Tagged } from './storage.ts';

/** Files on their way: linked into their place when they are whole and durable. On the same file system as everything else here. */
const UNFINISHED = '_unfinished';
/** Of an object that is swapped: its files are `name/00000000000000000007`. */
const DIGITS = 20;

/** A lake in a folder of this machine, or one that is mounted. */
export class FolderStorage implements Storage {
  readonly #root: string;

  constructor(root: string) {
    this.#root = root;
  }

  async get(name: string): Promise<Buffer | null> {
    return await asTrouble(() => unlessMissing(readFile(this.#path(name)), null));
  }

  async read(name: string, start: number, end: number): Promise<Buffer> {
    return await asTrouble(async () => {
      await using file = await open(this.#path(name));
      const bytes = Buffer.allocUnsafe(end - start);
      const { bytesRead } = await file.read(bytes, 0, bytes.length, start);
      return bytes.subarray(0, bytesRead);
    });
  }

  async put(name: string, bytes: Buffer): Promise<void> {
    await asTrouble(() => this.#place(name, (file) => write(file, bytes), rename));
  }

  async putIfAbsent(name: string, bytes: Buffer): Promise<boolean> {
    return await asTrouble(async () => {
      const isPlaced = await this.#place(name, (file) => write(file, bytes), linkIfAbsent);
      return isPlaced || bytes.equals(await readFile(this.#path(name)));
    });
  }

  async load(name: string): Promise<Tagged | null> {
    return await asTrouble(async () => {
      for (;;) {
        const etag = (await this.#versions(name)).at(-1);
        if (!etag) return null;
        const bytes = await unlessMissing(readFile(this.#path(`${name}/${etag}`)), null);
        if (bytes) return { bytes, etag }; // else somebody swapped it a moment ago
      }
    });
  }

  /**
   * The next number is taken by `link`, of which only one can succeed. A writer that slept may find a number free again whose file was
   * removed since: then a higher one is there, which is what it looks for behind its own.
   */
  async swap(name: string, bytes: Buffer, etag: string | null): Promise<string | null> {
    return await asTrouble(async () => {
      const next = String(Number(etag ?? 0) + 1).padStart(DIGITS, '0');
      if ((await this.#versions(name)).at(-1) !== (etag ?? undefined)) return null;
      if (!(await this.#place(`${name}/${next}`, (file) => write(file, bytes), linkIfAbsent))) return null;
      const versions = await this.#versions(name);
      if (versions.at(-1) !== next) return null;
      for (const version of versions.slice(0, -1)) await rm(this.#path(`${name}/${version}`), { force: true });
      return next;
    });
  }

  async upload(name: string, file: string, signal?: AbortSignal): Promise<void> {
    const fill = async (unfinished: string) => {
      signal?.throwIfAborted();
      await copyDurably(file, unfinished);
      signal?.throwIfAborted();
    };
    await asTrouble(() => this.#place(name, fill, rename));
  }

  async *list(prefix: string, after = ''): AsyncIterable<Stored> {
    for (const name of await asTrouble(() => this.#names(prefix))) {
      if (!name.startsWith(prefix) || Buffer.compare(Buffer.from(name), Buffer.from(after)) <= 0) continue;
      const found = await asTrouble(() => unlessMissing(stat(this.#path(name)), null));
      if (found) yield { name, size: found.size, modified: found.mtimeMs };
    }
  }

  async delete(name: string): Promise<void> {
    await asTrouble(() => rm(this.#path(name), { force: true }));
  }

  async sweep(before = Infinity): Promise<number> {
    return await asTrouble(async () => {
      let swept = 0;
      for (const name of await unlessMissing(readdir(this.#path(UNFINISHED)), [])) {
        const path = this.#path(`${UNFINISHED}/${name}`);
        const found = await unlessMissing(stat(path), null);
        if (!found || found.mtimeMs >= before) continue;
        await rm(path, { force: true });
        swept++;
      }
      // Somebody who is not alone may be about to write there, and one who was overtaken still writes.
      if (before === Infinity) await rmdir(this.#path(UNFINISHED)).catch(() => {});
      return swept;
    });
  }

  /** In the folder itself or, where it is not there yet, in the one that it would be made in. */
  async probe(): Promise<string | null> {
    return await asTrouble(async () => {
      const folder = await existing(this.#root);
      if (!(await stat(folder)).isDirectory()) return `${folder} is no folder`;
      const probe = join(folder, `.pgveil-${randomUUID()}`);
      try {
        await write(probe, Buffer.from('pgveil'));
        return (await canLink(probe, `${probe}-linked`)) ? null : `the file system of ${folder} has no hard links`;
      } finally {
        await Promise.all([probe, `${probe}-linked`].map((file) => rm(file, { force: true })));
      }
    });
  }

  async prune(): Promise<void> {
    await asTrouble(async () => {
      const folders = await unlessMissing(readdir(this.#root, { recursive: true, withFileTypes: true }), []);
      const paths = folders
        .filter((entry) => entry.isDirectory())
        .map(({ parentPath, name }) => join(parentPath, name));
      // The longest first: a folder is empty when those in it are gone.
      for (const path of [...paths.sort((one, other) => other.length - one.length), this.#root]) {
        await rmdir(path).catch(() => {}); // something else lies there
      }
    });
  }

  #path(name: string): string {
    return join(this.#root, name);
  }

  async #versions(name: string): Promise<string[]> {
    const versions = await unlessMissing(readdir(this.#path(name)), []);
    return versions.sort();
  }

  /** Sorted. Only what lies in the prefix's own folder is looked at. */
  async #names(prefix: string): Promise<string[]> {
    const folder = prefix.slice(0, prefix.lastIndexOf('/') + 1);
    const entries = await unlessMissing(readdir(this.#path(folder), { recursive: true, withFileTypes: true }), []);
    return entries
      .filter((entry) => entry.isFile())
      .map((entry) => relative(this.#root, join(entry.parentPath, entry.name)).replaceAll(sep, '/'))
      .filter((name) => !name.startsWith(`${UNFINISHED}/`))
      .sort((one, other) => Buffer.compare(Buffer.from(one), Buffer.from(other)));
  }

  /** Writes a file beside its place and moves it there by `settle`, and is back when both file and folder are durable. */
  async #place<T>(
    name: string,
    fill: (file: string) => Promise<void>,
    settle: (from: string, to: string) => Promise<T>,
  ): Promise<T> {
    const [unfinished, place] = [this.#path(`${UNFINISHED}/${randomUUID()}`), this.#path(name)];
    await makeFolder(dirname(unfinished));
    await makeFolder(dirname(place));
    try {
      await fill(unfinished);
      const settled = await settle(unfinished, place);
      await syncFolder(dirname(place));
      return settled;
    } finally {
      await rm(unfinished, { force: true });
    }
  }
}

/** `rename` would put our file in the place of one that is there, without a word. */
async function linkIfAbsent(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

async function canLink(from: string, to: string): Promise<boolean> {
  try {
    return await linkIfAbsent(from, to);
  } catch (error) {
    if (['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK'].includes((error as NodeJS.ErrnoException).code!))
      return false;
    throw error;
  }
}

/** The folder itself, or the nearest above it that is there. */
async function existing(path: string): Promise<string> {
  const found = await unlessMissing(stat(path), null);
  return found ? path : await existing(dirname(path));
}

async function write(path: string, bytes: Buffer): Promise<void> {
  await using file = await open(path, 'wx');
  await file.writeFile(bytes);
  await file.sync();
}

async function copyDurably(from: string, to: string): Promise<void> {
  await copyFile(from, to);
  await using file = await open(to, 'r+');
  await file.sync();
}

/** A folder is durable when the one that lists it is. */
async function makeFolder(path: string): Promise<void> {
  const first = await mkdir(path, { recursive: true });
  if (first === undefined) return;
  for (let made = path; made.length >= first.length; made = dirname(made)) await syncFolder(dirname(made));
}

async function syncFolder(path: string): Promise<void> {
  await using folder = await open(path);
  await folder.sync();
}

async function unlessMissing<T, U>(work: Promise<T>, instead: U): Promise<T | U> {
  try {
    return await work;
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code!)) return instead;
    throw error;
  }
}
