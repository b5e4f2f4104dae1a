import type { ByteWriter } from '../../../src/core/bytes.ts';
import type { Format, Marker, RowEvent } from './event.ts';

const MAGIC = 0;

/** Values with the id of their schema before them: a zero, four bytes, and the value as `format` has it. */
export class Framed implements Format {
  readonly #head = Buffer.alloc(5, MAGIC);
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
