/** How far a row has come: as Postgres sent it, or through the redactor. Everything that carries rows is typed by it. */
export type Stage = 'raw' | 'redacted';

/**
 * One row image, still the bytes that Postgres sent: pgoutput's TupleData with values as text.
 *
 *     Int16 number of cells, then per cell: 'n' (NULL) | 'u' (unchanged TOAST, not sent) | 't' Int32 length, bytes
 *
 * `bytes` is shared with other tuples (a slice pins the socket's chunk): copy what must be held long.
 */
export interface Tuple<S extends Stage> {
  readonly bytes: Buffer;
  readonly start: number;
  readonly end: number;
  /** Never there at run time. It keeps a raw tuple from being handed to whoever wants a redacted one. */
  readonly stage?: S;
}

export const CELL_NULL = 0x6e; // 'n'
export const CELL_UNCHANGED = 0x75; // 'u'
export const CELL_TEXT = 0x74; // 't'

/** Walks the cells of one tuple after another without an object per cell: the hot path of every sink. */
export class CellReader {
  /** CELL_NULL, CELL_UNCHANGED or CELL_TEXT. */
  kind = CELL_NULL;
  /** The value's bytes are `bytes[start, end)`; an empty range unless kind is CELL_TEXT. */
  start = 0;
  end = 0;
  bytes: Buffer = Buffer.alloc(0);
  #offset = 0;

  /** Goes to the first cell's front; returns the number of cells. */
  open(tuple: Tuple<Stage>): number {
    this.bytes = tuple.bytes;
    this.#offset = tuple.start + 2;
    return tuple.bytes.readUInt16BE(tuple.start);
  }

  /** Moves to the next cell. The caller counts: there is no end mark to meet. */
  next(): void {
    this.kind = this.bytes[this.#offset]!;
    if (this.kind === CELL_TEXT) {
      this.start = this.#offset + 5;
      this.end = this.start + this.bytes.readUInt32BE(this.#offset + 1);
    } else {
      this.start = this.end = this.#offset + 1;
    }
    this.#offset = this.end;
  }
}
