import { OWN_BYTES } from '../core/batch.ts';
import { ByteWriter, copyBytes } from '../core/bytes.ts';
import { CELL_NULL, CELL_TEXT, type Stage, type Tuple } from '../core/tuple.ts';
import { BACKSLASH, NEWLINE, TAB, UNESCAPES } from './copy-text.ts';

/** 't' and the length. */
const CELL_HEAD = 5;
const LETTER_N = 0x4e;
const LONE_BACKSLASH = Buffer.from([BACKSLASH]);

/** At most so many bytes come of one: a newline ends a cell and begins a row and its first cell. */
const GROWTH = 2 + CELL_HEAD;

export interface Rows<S extends Stage> {
  readonly tuples: readonly Tuple<S>[];
  /** What they hold in memory, all together. */
  readonly bytes: number;
}

/** A Change, its Tuple, and their places in arrays. */
const OBJECTS_PER_ROW = 160;

/**
 * Turns the text of COPY … TO STDOUT, cut anywhere, into tuples as the stream has them. Bytes are written through as they come,
 * so that a row of 100 MB is never first put together; the loop per byte turns 1.8 million rows of 10 short columns a second.
 */
export class RowDecoder<S extends Stage> {
  readonly #columns: number;
  #out = new ByteWriter();
  /** Where the head of the open cell is in `#out`: written when its length is known. */
  #cell = 0;
  #isNull = false;
  /** Where each finished row ends in `#out`. */
  #ends: number[] = [];
  /** The last piece ended with a backslash: the next one says what it stands for. */
  #escaped = false;

  constructor(columns: number) {
    this.#columns = columns;
    this.#out.length = this.#beginRow(0);
  }

  /** Bytes of the finished rows. */
  get size(): number {
    return this.#ends.at(-1) ?? 0;
  }

  /** Bytes of the row that is not finished. */
  get pending(): number {
    return this.#out.length - this.size;
  }

  push(next: Buffer): void {
    const piece = this.#escaped ? Buffer.concat([LONE_BACKSLASH, next]) : next;
    this.#escaped = false;
    this.#out.reserve(piece.length * GROWTH);
    const to = this.#out.bytes;
    let at = this.#out.length;
    let run = 0; // begins behind the last byte that was not copied as it is
    for (let i = 0; i < piece.length; i++) {
      const byte = piece[i]!;
      if (byte > BACKSLASH || (byte > NEWLINE && byte < BACKSLASH)) continue;
      at = copyBytes(to, at, piece, run, i);
      if (byte === TAB) {
        this.#cell = this.#endCell(at);
        at = this.#cell + CELL_HEAD;
      } else if (byte === NEWLINE) {
        at = this.#endRow(at);
      } else if (byte !== BACKSLASH) {
        to[at++] = byte;
      } else if (i + 1 === piece.length) {
        this.#escaped = true;
      } else if (piece[++i] === LETTER_N) {
        this.#isNull = true; // a value's own backslash is escaped: no text has this
      } else {
        to[at++] = UNESCAPES[piece[i]!]!;
      }
      run = i + 1;
    }
    at = copyBytes(to, at, piece, run, piece.length);
    this.#out.length = at;
  }

  /** Hands over the finished rows, in memory of their own. */
  take(): Rows<S> {
    const end = this.size;
    const own = this.#detach(end);
    let start = 0;
    const tuples = this.#ends.map((end) => {
      const tuple = { bytes: own, start, end };
      start = end;
      return tuple;
    });
    this.#cell -= end;
    this.#ends = [];
    return { tuples, bytes: own.length + tuples.length * OBJECTS_PER_ROW };
  }

  /** Only a large row takes our memory with it: to copy it would need the same again. What was begun stays here. */
  #detach(end: number): Buffer {
    const { bytes, length } = this.#out;
    if (bytes.length < OWN_BYTES) {
      const own = Buffer.from(bytes.subarray(0, end));
      this.#out.length = bytes.copy(bytes, 0, end, length);
      return own;
    }
    this.#out = new ByteWriter();
    this.#out.copy(bytes, end, length);
    return bytes;
  }

  /** Each of these takes the place in `#out` that was reached, and returns the one from which to go on. */
  #beginRow(at: number): number {
    this.#cell = this.#out.bytes.writeUInt16BE(this.#columns, at);
    return this.#columns === 0 ? this.#cell : this.#cell + CELL_HEAD;
  }

  #endCell(at: number): number {
    const { bytes } = this.#out;
    bytes[this.#cell] = this.#isNull ? CELL_NULL : CELL_TEXT;
    if (this.#isNull) {
      this.#isNull = false;
      return this.#cell + 1;
    }
    bytes.writeUInt32BE(at - this.#cell - CELL_HEAD, this.#cell + 1);
    return at;
  }

  #endRow(at: number): number {
    const end = this.#columns === 0 ? at : this.#endCell(at);
    this.#ends.push(end);
    return this.#beginRow(end);
  }
}
