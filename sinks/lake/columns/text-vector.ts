import type { Vector } from '@duckdb/node-bindings';
import { type Heap, IMAGES, INLINED, MADE } from './heap.ts';
import { setInteger } from './number-text.ts';
import { type ColumnVector, Values } from './vector.ts';

/** As `duckdb_string_t` has it: the length, then the text itself, or its first four bytes and its address. */
const ENTRY_BYTES = 16;

/** Texts, and bytes. */
export class TextVector implements ColumnVector {
  readonly values = new Values(ENTRY_BYTES);
  readonly #heap: Heap;

  constructor(heap: Heap) {
    this.#heap = heap;
  }

  put(at: number, bytes: Buffer, start: number, end: number): true {
    this.values.reserve(at);
    const { view, bytes: out } = this.values;
    const [entry, length] = [at * ENTRY_BYTES, end - start];
    view.setUint32(entry, length, true);
    if (length <= INLINED) {
      for (let i = 0; i < length; i++) out[entry + 4 + i] = bytes[start + i]!; // behind it all is 0
    } else {
      for (let i = 0; i < 4; i++) out[entry + 4 + i] = bytes[start + i]!;
      const offset = this.#heap.offsetOf(bytes, start);
      view.setUint32(entry + 8, offset ?? this.#heap.keep(bytes, start, end), true);
      view.setUint32(entry + 12, offset === undefined ? MADE! : IMAGES!, true);
    }
    this.values.set(at);
    return true;
  }

  /** When the heap is where DuckDB has it. */
  moveTo(vector: Vector, count: number): void {
    const { values } = this;
    values.reserve(count - 1);
    for (let at = 0, entry = 0; at < count; at++, entry += ENTRY_BYTES) {
      if (values.view.getUint32(entry, true) <= INLINED || !values.has(at)) continue;
      const [offset, place] = [values.view.getUint32(entry + 8, true), values.view.getUint32(entry + 12, true)];
      setInteger(values.view, entry + 8, this.#heap.addressOf(place, offset));
    }
    values.moveTo(vector, count);
  }
}

/** Bytes, of which Postgres's text is `\x` and two hexadecimal digits for each. */
export class BytesVector implements ColumnVector {
  readonly #bytes: TextVector;

  constructor(heap: Heap) {
    this.#bytes = new TextVector(heap);
  }

  get values(): Values {
    return this.#bytes.values;
  }

  put(at: number, bytes: Buffer, start: number, end: number): boolean {
    const length = (end - start - 2) / 2;
    if (bytes.toString('latin1', start, start + 2) !== '\\x') return false;
    const found = Buffer.from(bytes.toString('latin1', start + 2, end), 'hex'); // ends at the first that is no digit
    return found.length === length && this.#bytes.put(at, found, 0, length);
  }

  moveTo(vector: Vector, count: number): void {
    this.#bytes.moveTo(vector, count);
  }
}
