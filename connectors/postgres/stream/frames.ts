import { PgveilError } from '../../../src/core/errors.ts';

/** One message of the protocol between server and client: its type byte, and its body at `bytes[start, end)`. */
export interface Frame {
  readonly type: number;
  readonly bytes: Buffer;
  readonly start: number;
  readonly end: number;
}

/** A type byte, then an Int32 length that counts itself. */
const HEADER = 5;

/** Postgres sends nothing longer (MaxAllocSize): a greater length is no length. */
const LONGEST = 0x40000000;

const NOTHING: Buffer = Buffer.alloc(0);

/**
 * Cuts what a socket gives into messages. A message inside one chunk is a view on it; one that spans chunks gets memory of
 * exactly its size once, so a message of 100 MB costs 100 MB and each byte of it is copied once.
 *
 * It stands in for pg's own parser, which grows by doubling and overwrites the memory of messages that it has handed out: a tuple
 * that is kept would change under us (docs/decisions/0008).
 */
export class Frames {
  /** A header that the end of a chunk cut. */
  #rest = NOTHING;
  #begun: { readonly type: number; readonly body: Buffer; filled: number } | null = null;

  /** The messages that `chunk` completes. Take all of them before the next call. */
  *cut(chunk: Buffer): Generator<Frame, void> {
    const bytes = this.#rest.length > 0 ? Buffer.concat([this.#rest, chunk]) : chunk;
    this.#rest = NOTHING;
    let at = 0;
    if (this.#begun) {
      at = this.#fill(bytes, 0);
      const { type, body, filled } = this.#begun;
      if (filled < body.length) return;
      this.#begun = null;
      yield { type, bytes: body, start: 0, end: body.length };
    }
    while (bytes.length - at >= HEADER) {
      const type = bytes[at]!;
      const length = lengthAt(bytes, at + 1);
      const start = at + HEADER;
      if (length > bytes.length - start) {
        this.#begun = { type, body: Buffer.allocUnsafeSlow(length), filled: 0 };
        this.#fill(bytes, start);
        return;
      }
      at = start + length;
      yield { type, bytes, start, end: at };
    }
    this.#rest = bytes.subarray(at);
  }

  /** Returns where in `bytes` the message that was begun ends, or the end of `bytes`. */
  #fill(bytes: Buffer, from: number): number {
    const begun = this.#begun!;
    const taken = bytes.copy(begun.body, begun.filled, from);
    begun.filled += taken;
    return from + taken;
  }
}

/** The body's length. */
function lengthAt(bytes: Buffer, at: number): number {
  const length = bytes.readUInt32BE(at) - 4;
  if (length < 0 || length > LONGEST) {
    throw new PgveilError('protocol_violation', 'source: a message has an impossible length');
  }
  return length;
}
