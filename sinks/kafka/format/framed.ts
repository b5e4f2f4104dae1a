import type { ByteWriter } from '../../../src/core/bytes.ts';
import type { Format, Marker, RowEvent } from './event.ts';

export const MAGIC = 0;
/** The zero and the id. */
export const FRAME_BYTES = 5;

/** Values with the id of their schema before them: a zero, four bytes, and the value as `format` has it. */
export class Framed implements Format {
  readonly #head = Buffer.alloc(FRAME_BYTES, MAGIC);
  readonly #format: Format;

  constructor(schemaId: number, format: Format) {
    this.#head.writeInt32BE(schemaId, 1);
    this.#format = format;
  }

  row(out: ByteWriter, event: RowEvent): void {
    out.append(this.#head);
    this.#format.row(out, event);
  }

  marker(out: ByteWriter, marker: Marker): boolean {
    out.append(this.#head);
    return this.#format.marker(out, marker);
  }
}
