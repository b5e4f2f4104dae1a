import { ByteWriter } from '../../../src/core/bytes.ts';
import { CELL_TEXT, CELL_UNCHANGED, CellReader, type Tuple } from '../../../src/core/tuple.ts';

type Image = Tuple<'redacted'>;

const FIRST_BYTES = 1024;
const MOST_BYTES = 256 * 1024;

/** An image of this size is not worth copying: it pins little beside itself. */
const LARGE = 1024 * 1024;

/** Keeps row images beyond the batch they came in, packed, so that one small row does not pin the whole batch. */
export class Images {
  #block = new ByteWriter(FIRST_BYTES);

  keep(image: Image): Image {
    const size = image.end - image.start;
    if (size >= LARGE) return image;
    const block = this.#blockFor(size);
    const start = block.length;
    block.copy(image.bytes, image.start, image.end);
    return { bytes: block.bytes, start, end: block.length };
  }

  /** The newer image, with unchanged cells of these columns taken from the older where that has them. */
  complete(newer: Image, older: Image, columns: ReadonlySet<number>): Image {
    const block = this.#blockFor(newer.end - newer.start + older.end - older.start);
    const start = block.length;
    const from = new CellReader();
    const instead = new CellReader();
    const count = from.open(newer);
    instead.open(older);
    block.uint16(count);
    for (let column = 0; column < count; column++) {
      from.next();
      instead.next();
      copyCell(block, from.kind === CELL_UNCHANGED && columns.has(column) ? instead : from);
    }
    return { bytes: block.bytes, start, end: block.length };
  }

  /** A block with room for so many bytes: it must not grow under the images that it holds. */
  #blockFor(size: number): ByteWriter {
    if (size >= LARGE) return new ByteWriter(size);
    const capacity = this.#block.bytes.length;
    if (this.#block.length + size > capacity) {
      this.#block = new ByteWriter(Math.max(size, Math.min(capacity * 4, MOST_BYTES)));
    }
    return this.#block;
  }
}

function copyCell(out: ByteWriter, { kind, bytes, start, end }: CellReader): void {
  out.copy(bytes, start - (kind === CELL_TEXT ? 5 : 1), end);
}
