// Finds which of very many texts occur in files: a hundred thousand raw values in the data directory of a twin.
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** No text may be shorter. */
const PREFIX = 6;
const BITS = 22;

/**
 * All texts at once, in one pass over the bytes: a bitmap of their first four bytes keeps most places out, and only at the
 * others are the texts with the same first six bytes looked up, those of each length by one hash.
 */
export class Search {
  readonly found = new Set<string>();
  readonly #bitmap = new Uint8Array(1 << (BITS - 3));
  /** First six bytes, then length, then the bytes (a character each) to the text. */
  readonly #texts = new Map<number, Map<number, Map<string, string>>>();

  constructor(texts: Iterable<string>) {
    for (const text of texts) this.#add(text, Buffer.from(text));
  }

  bytes(bytes: Buffer): void {
    let window = 0;
    for (let at = 0; at < bytes.length; at++) {
      window = (window >>> 8) | (bytes[at]! << 24);
      const slot = slotOf(window);
      if ((this.#bitmap[slot >>> 3]! >>> (slot & 7)) & 1) this.#lookUp(bytes, at - 3);
    }
  }

  /** Every file below the directory. Those that vanish meanwhile are skipped. */
  async directory(directory: string): Promise<void> {
    const entries = await readdir(directory, { recursive: true, withFileTypes: true });
    for (const entry of entries.filter((candidate) => candidate.isFile())) {
      this.bytes(await readFile(join(entry.parentPath, entry.name)).catch(emptyIfGone));
    }
  }

  #add(text: string, bytes: Buffer): void {
    if (bytes.length < PREFIX) throw new Error('a text is too short to be searched for');
    const slot = slotOf(bytes.readInt32LE(0));
    this.#bitmap[slot >>> 3]! |= 1 << (slot & 7);
    const lengths = innerMap(this.#texts, bytes.readUIntBE(0, PREFIX));
    innerMap(lengths, bytes.length).set(bytes.toString('latin1'), text);
  }

  #lookUp(bytes: Buffer, start: number): void {
    if (start < 0 || start + PREFIX > bytes.length) return;
    for (const [length, texts] of this.#texts.get(bytes.readUIntBE(start, PREFIX)) ?? []) {
      const text = texts.get(bytes.toString('latin1', start, start + length));
      if (text !== undefined) this.found.add(text);
    }
  }
}

function slotOf(window: number): number {
  return Math.imul(window, 0x9e3779b1) >>> (32 - BITS);
}

function innerMap<Outer, Key, Value>(map: Map<Outer, Map<Key, Value>>, key: Outer): Map<Key, Value> {
  const inner = map.get(key) ?? new Map<Key, Value>();
  map.set(key, inner);
  return inner;
}

function emptyIfGone(error: NodeJS.ErrnoException): Buffer {
  if (error.code === 'ENOENT') return Buffer.alloc(0);
  throw error;
}
