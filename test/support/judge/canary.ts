// Canaries: values planted in a source, and a search for them in everything that left pgveil. One found anywhere, in any
// of the forms that software gives to text, is a leak.
import { randomBytes } from 'node:crypto';
import { open, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';

export interface Canary {
  /** For the report, which never holds the value. */
  readonly name: string;
  /** 12 characters or more, so that chance cannot bring it about. */
  readonly value: string;
}

export interface Sighting {
  canary: string;
  /** Such as `raw`, `hex`, `base64`. */
  form: string;
  /** The file, or what the caller called the bytes. */
  where: string;
  /** In bytes. */
  offset: number;
}

/** A text with 16 random letters and digits in the midst of what needs escaping: umlaut, quotes, backslash, slash, spaces. */
export function canary(name: string): Canary {
  const core = randomBytes(32)
    .toString('base64')
    .replaceAll(/[^A-Za-z0-9]/g, '')
    .slice(0, 16);
  return { name, value: `Zoë "${core}" \\/ ø` };
}

/** A planted value of another kind, such as an address or a number: `canaryOf('phone', '491701234567')`. */
export function canaryOf(name: string, value: string): Canary {
  if (value.length < 12) throw new Error(`the canary "${name}" is so short that chance could bring it about`);
  return { name, value };
}

/** Searches bytes or a text; `where` is for the report. */
export function scanBytes(bytes: Uint8Array | string, canaries: readonly Canary[], where: string): Sighting[] {
  const buffer =
    typeof bytes === 'string' ? Buffer.from(bytes) : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  return search(buffer, canaries.flatMap(searchesFor), where, 0);
}

/** Searches a file, or every file below a directory with its name, whatever its size. Files that vanish meanwhile are skipped. */
export async function scanPath(path: string, canaries: readonly Canary[]): Promise<Sighting[]> {
  const searches = canaries.flatMap(searchesFor);
  const sightings: Sighting[] = [];
  for (const file of await filesBelow(path)) {
    sightings.push(...search(Buffer.from(file), searches, 'the name of a file', 0));
    sightings.push(...(await unlessGone(scanFile(file, searches), [])));
  }
  return sightings;
}

/** Throws with every sighting, none of which names a value. */
export function assertNoSighting(sightings: readonly Sighting[]): void {
  if (sightings.length === 0) return;
  const lines = sightings.map(
    ({ canary, form, where, offset }) => `  ${canary} as ${form} in ${where}, byte ${offset}`,
  );
  throw new Error(`raw values left pgveil:\n${lines.join('\n')}`);
}

interface Search {
  canary: string;
  form: string;
  /** One character per byte, in lower case; so is what is searched. */
  needle: string;
}

/** One character per byte and no upper case: it makes one search of all case variants, of hex as of %2F and \\u00EB. */
function fold(bytes: Buffer): string {
  return bytes.toString('latin1').toLowerCase();
}

/**
 * The value, and its longest run of letters and digits in all forms: in whatever form the whole leaks, its run does too, and no
 * escaping changes that, also one nobody thought of. In both cases, as folding comes too late for what was encoded from upper case.
 */
function searchesFor({ name, value }: Canary): Search[] {
  const [run = value] = (value.match(/[A-Za-z0-9]{12,}/g) ?? []).sort((a, b) => b.length - a.length);
  const found = new Map<string, Search>();
  const add = (form: string, bytes: Buffer) => {
    const needle = fold(bytes);
    if (!found.has(needle)) found.set(needle, { canary: name, form, needle });
  };
  add('raw', Buffer.from(value));
  for (const variant of [run, run.toLowerCase(), run.toUpperCase()]) {
    for (const [form, bytes] of formsOf(variant)) add(form, bytes);
  }
  return [...found.values()];
}

function formsOf(value: string): [string, Buffer][] {
  const utf8 = Buffer.from(value);
  const utf16 = Buffer.from(value, 'utf16le');
  const texts: [string, string][] = [
    ['hex', utf8.toString('hex')],
    ['JSON', JSON.stringify(value).slice(1, -1)],
    ['ASCII JSON', asciiJson(value)],
    ['URL', encodeURIComponent(value)],
    ['URL form', new URLSearchParams([['', value]]).toString().slice(1)],
    ['URL of every byte', utf8.toString('hex').replace(/../g, '%$&')],
  ];
  for (const alignment of [0, 1, 2]) {
    const base64 = base64Inside(utf8, alignment);
    texts.push(['base64', base64], ['base64url', base64.replaceAll('+', '-').replaceAll('/', '_')]);
  }
  const encoded = texts.map(([form, text]): [string, Buffer] => [form, Buffer.from(text)]);
  return [['raw', utf8], ['UTF-16LE', utf16], ['UTF-16BE', Buffer.from(utf16).swap16()], ...encoded];
}

function asciiJson(value: string): string {
  const json = JSON.stringify(value).slice(1, -1);
  return json.replace(/[^\0-\x7f]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

/** The digits that come from these bytes alone when `alignment` (modulo 3) other bytes stand before them, and any after. */
function base64Inside(bytes: Buffer, alignment: number): string {
  const text = Buffer.concat([Buffer.alloc(alignment), bytes]).toString('base64');
  const first = Math.ceil((alignment * 8) / 6);
  return text.slice(first, Math.floor(((alignment + bytes.length) * 8) / 6));
}

/** At most one sighting of each canary in each form. `start` is where the bytes stand in what they are part of. */
function search(bytes: Buffer, searches: Search[], where: string, start: number): Sighting[] {
  const haystack = fold(bytes);
  const sightings = new Map<string, Sighting>();
  for (const { canary, form, needle } of searches) {
    const key = `${canary} ${form}`;
    const at = sightings.has(key) ? -1 : haystack.indexOf(needle);
    if (at !== -1) sightings.set(key, { canary, form, where, offset: start + at });
  }
  return [...sightings.values()];
}

const chunkSize = 4 << 20;

/** In chunks that overlap by the longest needle, so that a value across their border is seen. */
async function scanFile(file: string, searches: Search[]): Promise<Sighting[]> {
  const overlap = Math.max(...searches.map(({ needle }) => needle.length));
  const sightings: Sighting[] = [];
  await using handle = await open(file);
  const chunk = Buffer.alloc(chunkSize + overlap);
  for (let start = 0; ; start += chunkSize) {
    const { bytesRead } = await handle.read(chunk, 0, chunk.length, start);
    sightings.push(...search(chunk.subarray(0, bytesRead), searches, file, start));
    if (bytesRead < chunk.length) return sightings;
  }
}

async function filesBelow(path: string): Promise<string[]> {
  const found = await stat(path); // a path that is not there is the caller's mistake, not a clean one
  if (!found.isDirectory()) return [path];
  const entries = await readdir(path, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
}

async function unlessGone<T>(reading: Promise<T>, otherwise: T): Promise<T> {
  try {
    return await reading;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return otherwise;
    throw error;
  }
}
