import type { TableEntry } from '../../src/core/checkpoint.ts';
import { entryFromJson, entryToJson } from '../../src/core/entry-json.ts';
import { readStored } from '../../src/core/stored.ts';
import type { Storage } from './storage/storage.ts';

const FOLDER = '_pgveil/entries/';
/** Of what cannot be read. Without a checkpoint the tables would be those of a stranger, so they go, too. */
export const DAMAGED_FIX =
  'Restore that object. Or stop pgveil, remove all that this pipeline has in the lake (the folder with its name below the sink’s `url`), and start it again: everything is copied into the lake anew.';
/** So many objects may say what the entries are before one says it all. */
const MOST_OBJECTS = 32;

type Entries = ReadonlyMap<string, TableEntry>;

/** Of whoever writes them: no two ever have the same epoch and serial. */
export interface Author {
  readonly epoch: number;
  readonly serial: number;
}

/**
 * Entries lie in objects of their own, which the checkpoint names: each has the entries that changed at once, and takes precedence over
 * those before it. So a thousand tables that begin their copies write a thousand entries, and not all of them a thousand times.
 * Stores those in which `entries` differs from `durable`; returns the objects that are to be named from here on.
 */
export async function storeEntries(
  storage: Storage,
  { epoch, serial }: Author,
  objects: readonly string[],
  durable: Entries,
  entries: Entries,
): Promise<readonly string[]> {
  const changed = [...entries].filter(([name, entry]) => durable.get(name) !== entry);
  if (changed.length === 0) return objects;
  const isFull = objects.length >= MOST_OBJECTS;
  const object = `${FOLDER}${epoch}-${serial}`;
  await storage.put(object, encode(isFull ? entries : changed));
  return isFull ? [object] : [...objects, object];
}

/** Null where one of the objects is gone: then the checkpoint that named it is, too. Rejects with `checkpoint_damaged`. */
export async function loadEntries(storage: Storage, objects: readonly string[]): Promise<Entries | null> {
  const contents = await Promise.all(objects.map((object) => storage.get(object)));
  if (contents.includes(null)) return null;
  const read = (object: string, content: Buffer) =>
    readStored(`the lake's object ${object}`, DAMAGED_FIX, () => decode(content));
  return new Map(objects.flatMap((object, at) => read(object, contents[at]!)));
}

/** Removes what no checkpoint names any more. Nobody reads what cannot be removed now. */
export async function forgetEntries(storage: Storage, objects: readonly string[]): Promise<void> {
  await Promise.allSettled(objects.map((object) => storage.delete(object)));
}

/** Objects of the instances before `epoch` that are not among `named`: what these put there and then could not name. */
export async function strayEntries(storage: Storage, epoch: number, named: readonly string[]): Promise<string[]> {
  const strays: string[] = [];
  for await (const { name } of storage.list(FOLDER)) {
    if (Number.parseInt(name.slice(FOLDER.length), 10) < epoch && !named.includes(name)) strays.push(name);
  }
  return strays;
}

function encode(entries: Iterable<readonly [string, TableEntry]>): Buffer {
  const members = Array.from(entries, ([name, entry]) => `${JSON.stringify(name)}: ${entryToJson(entry)}`);
  return Buffer.from(`{\n${members.join(',\n')}\n}\n`);
}

function decode(content: Buffer): (readonly [string, TableEntry])[] {
  const entries = JSON.parse(content.toString()) as Record<string, unknown>;
  return Object.entries(entries).map(([name, entry]) => [name, entryFromJson(JSON.stringify(entry))]);
}
