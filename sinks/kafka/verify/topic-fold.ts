import { randomUUID } from 'node:crypto';
import { DigestWriter } from '../../../src/core/digest.ts';
import { bytesOf } from '../../../src/core/key-text.ts';
import type { CommittedRecord } from '../client/committed.ts';
import { murmur2 } from '../client/partition.ts';
import { isRowKey } from '../format/event.ts';
import type { RowHashes, RowReader } from './row-hashes.ts';

/** So many keys are in memory at a time, 100 MB or so. */
const MOST_KEYS = 200_000;
/** Keys by their hashes, from 0 up to here. */
export const KEY_SPACE = 2 ** 32;
/** So many digests are handed over at once. */
const ROWS = 1_000;

interface Last {
  readonly hashes: RowHashes;
  /** Its place in the stream. */
  readonly place: string;
}

/** What one partition amounts to: of each key the last record, of one generation. Of more keys than fit only those whose hashes are below `to`. */
export class TopicFold {
  to = KEY_SPACE;
  readonly #generation: string;
  readonly #reader: RowReader;
  readonly #from: number;
  readonly #most: number;
  readonly #rows = new Map<string, Last>();

  /** The first takes keys from 0 on, each further one from where the one before ended. */
  constructor(generation: number, reader: RowReader, from: number, most = MOST_KEYS) {
    this.#generation = String(generation);
    this.#reader = reader;
    this.#from = from;
    this.#most = most;
  }

  take({ key, value, headers }: CommittedRecord): void {
    const header = new Map(headers.map(([name, text]) => [String(name), String(text)]));
    if (header.get('pgveil.generation') !== this.#generation || !key) return;
    const op = header.get('pgveil.op');
    if (!isRowKey(key)) {
      if (op === 't') this.#rows.clear();
    } else if (this.#isMine(key)) {
      const name = key.toString('latin1');
      if (!value || op === 'd') this.#rows.delete(name);
      else this.#put(name, value, `${header.get('pgveil.commit_lsn')} ${header.get('pgveil.seq')}`);
    }
  }

  *digests(): Iterable<Buffer> {
    const digests = new DigestWriter();
    let rows = 0;
    for (const [name, { hashes, place }] of this.#rows) {
      const key = bytesOf(name);
      // Nobody can say what such a row holds: it never looks the same twice.
      const version = hashes.isPartial ? randomUUID() : place;
      digests.add(key, Buffer.concat([key, hashes.bytes]), Buffer.from(version));
      if (++rows % ROWS === 0) yield digests.take();
    }
    yield digests.take();
  }

  #isMine(key: Buffer): boolean {
    const hash = murmur2(key, 0, key.length) >>> 0;
    return hash >= this.#from && hash < this.to;
  }

  #put(name: string, value: Buffer, place: string): void {
    this.#rows.set(name, { hashes: this.#reader.read(value, this.#rows.get(name)?.hashes ?? null), place });
    if (this.#rows.size <= this.#most) return;
    this.to = this.#from + Math.ceil((this.to - this.#from) / 2);
    for (const key of this.#rows.keys()) if (!this.#isMine(bytesOf(key))) this.#rows.delete(key);
  }
}
