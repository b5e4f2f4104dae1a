import { ByteWriter } from '../../../src/core/bytes.ts';

/** pg_type.oid of text. */
const TEXT = 25;
const NULL_LENGTH = 0xffffffff;
/** Where the number of elements stands, behind the number of dimensions, a flag and the type. */
const COUNT_AT = 12;

/**
 * A parameter of the type text[] in its binary form: values are copied with their length, which is how a tuple has them, and
 * nothing needs escaping.
 */
export class TextArray {
  readonly #out = new ByteWriter(256);
  #count = 0;

  constructor() {
    for (const word of [1, 0, TEXT, 0, 1]) this.#out.uint32(word);
  }

  add(bytes: Buffer, start: number, end: number): void {
    this.#out.uint32(end - start);
    this.#out.copy(bytes, start, end);
    this.#count++;
  }

  addNull(): void {
    this.#out.uint32(NULL_LENGTH);
    this.#count++;
  }

  /** The bytes of the parameter; nothing can be added any more. */
  finish(): Buffer {
    const bytes = this.#out.view();
    bytes.writeUInt32BE(this.#count, COUNT_AT);
    return bytes;
  }
}
