import { hash } from 'node:crypto';
import type { RedactedTable } from '../../../src/core/table.ts';
import { UNAVAILABLE } from '../format/debezium.ts';
import { FRAME_BYTES, MAGIC } from '../format/framed.ts';
import { members } from '../format/members.ts';

/** Of a value's SHA-256. */
const HASH_BYTES = 8;
const NOT_SENT = Buffer.from(JSON.stringify(UNAVAILABLE));

/** What a message says of a row: a hash for each column, 8 bytes each in the order of the table. */
export interface RowHashes {
  readonly bytes: Buffer;
  /** Whether of some column nobody said what it holds: neither this message nor one before. */
  readonly isPartial: boolean;
}

/** Reads the rows of one table's messages. */
export class RowReader {
  readonly #isFlat: boolean;
  /** By name as JSON has it, the place of a column. */
  readonly #places: ReadonlyMap<string, number>;

  constructor({ columns }: RedactedTable, format: 'flat' | 'debezium') {
    this.#isFlat = format === 'flat';
    const leaving = columns.filter(({ withheld }) => !withheld);
    this.#places = new Map(leaving.map(({ name }, place) => [JSON.stringify(name).slice(1, -1), place]));
  }

  /** The row behind a message's event; `earlier` is what the key held before, from where values come that were not sent. */
  read(value: Buffer, earlier: RowHashes | null): RowHashes {
    const bytes = Buffer.alloc(this.#places.size * HASH_BYTES);
    const known = new Set<number>();
    for (const { name, start, end } of members(value, this.#rowStart(value))) {
      const place = this.#places.get(name);
      if (place === undefined || NOT_SENT.equals(value.subarray(start, end))) continue;
      known.add(place);
      bytes.write(hash('sha256', value.subarray(start, end), 'binary'), place * HASH_BYTES, HASH_BYTES, 'latin1');
    }
    if (known.size === this.#places.size) return { bytes, isPartial: false };
    for (const place of this.#places.values()) {
      const at = place * HASH_BYTES;
      if (!known.has(place)) earlier?.bytes.copy(bytes, at, at, at + HASH_BYTES);
    }
    return { bytes, isPartial: earlier?.isPartial ?? true };
  }

  /** Of `flat` the message is the row; in Debezium's envelope it is `after`, perhaps behind a schema. Before either a schema's id may stand. */
  #rowStart(value: Buffer): number {
    const begin = value[0] === MAGIC ? FRAME_BYTES : 0;
    if (this.#isFlat) return begin;
    const start = startOf(value, 'payload', begin) ?? begin;
    return startOf(value, 'after', start) ?? value.length;
  }
}

function startOf(value: Buffer, wanted: string, from: number): number | null {
  for (const { name, start } of members(value, from)) if (name === wanted) return start;
  return null;
}
