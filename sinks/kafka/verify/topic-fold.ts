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
  readonly generation: number;
  readonly hashes: RowHashes;
  /** Its place in the stream. */
  readonly place: string;
}

/**
 * What one partition amounts to, as for any consumer (docs/05-kafka.md): of each key the last record, but what is of a generation below one
 * that was copied to its end. That need not be the last generation: where another sink was copied by itself, the number grows here, too.
 * Of more keys than fit only those whose hashes are below `to`.
 */
export class TopicFold {
  to = KEY_SPACE;
  readonly #reader: RowReader;
  readonly #from: number;
  readonly #most: number;
  readonly #rows = new Map<string, Last>();
  /** The last generation that was copied to its end. */
  #copied = 0;

  /** The first takes keys from 0 on, each further one from where the one before ended. */
  constructor(reader: RowReader, from: number, most = MOST_KEYS) {
    this.#reader = reader;
    this.#from = from;
    this.#most = most;
  }

  take({ key, value, headers }: CommittedRecord): void {
    const header = new Map(headers.map(([name, text]) => [String(name), String(text)]));
    const generation = Number(header.get('pgveil.generation'));
    if (generation < this.#copied || !key) return;
    const op = header.get('pgveil.op');
    if (!isRowKey(key)) {
      if (op === 'copy_end') this.#end(generation);
      else if (op === 't') this.#drop((row) => row.generation <= generation);
    } else if (this.#isMine(key)) {
      const name = key.toString('latin1');
      const place = `${header.get('pgveil.commit_lsn')} ${header.get('pgveil.seq')}`;
      if (!value || op === 'd') this.#rows.delete(name);
      else this.#put(name, value, { generation, place });
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

  #put(name: string, value: Buffer, at: Pick<Last, 'generation' | 'place'>): void {
    this.#rows.set(name, { ...at, hashes: this.#reader.read(value, this.#rows.get(name)?.hashes ?? null) });
    if (this.#rows.size <= this.#most) return;
    this.to = this.#from + Math.ceil((this.to - this.#from) / 2);
    for (const key of this.#rows.keys()) if (!this.#isMine(bytesOf(key))) this.#rows.delete(key);
  }

  #end(generation: number): void {
    this.#copied = generation;
    this.#drop((row) => row.generation < generation);
  }

  #drop(isOver: (row: Last) => boolean): void {
    for (const [name, row] of this.#rows) if (isOver(row)) this.#rows.delete(name);
  }
}
