import duckdb, { type Vector } from '@duckdb/node-bindings';
import { elementsOf } from './array-text.ts';
import type { Heap } from './heap.ts';
import { setInteger } from './number-text.ts';
import { TextVector } from './text-vector.ts';
import { type ColumnVector, type FilledVector, Values } from './vector.ts';

/** As `duckdb_list_entry` has it: where the elements begin among all of the chunk, and how many they are. */
const ENTRY_BYTES = 16;

/** Arrays of one dimension. */
export class ListVector implements ColumnVector {
  readonly values = new Values(ENTRY_BYTES);
  readonly #elements: ColumnVector;
  /** Elements so far. */
  #length = 0;

  constructor(elements: ColumnVector) {
    this.#elements = elements;
  }

  put(at: number, bytes: Buffer, start: number, end: number): boolean {
    const elements = elementsOf(bytes.toString('utf8', start, end));
    return elements !== undefined && this.putAll(at, elements);
  }

  /** False where an element has no place in the type. */
  putAll(at: number, elements: readonly (string | null)[]): boolean {
    const first = this.#length;
    const misfit = elements.findIndex((element, i) => element !== null && !putText(this.#elements, first + i, element));
    if (misfit >= 0) {
      for (let i = 0; i < misfit; i++) this.#elements.values.clear(first + i);
      return false;
    }
    setEntry(this.values, at, first, elements.length);
    this.#length += elements.length;
    return true;
  }

  moveTo(vector: Vector, count: number): void {
    this.values.moveTo(vector, count);
    this.#elements.moveTo(elementsIn(vector, this.#length), this.#length);
    this.#length = 0;
  }
}

/** Texts by name. */
export class MapVector implements FilledVector {
  readonly values = new Values(ENTRY_BYTES);
  readonly #names: TextVector;
  readonly #texts: TextVector;
  /** Pairs so far. */
  #length = 0;

  constructor(heap: Heap) {
    this.#names = new TextVector(heap);
    this.#texts = new TextVector(heap);
  }

  putAll(at: number, pairs: readonly (readonly [name: string, text: string])[]): void {
    setEntry(this.values, at, this.#length, pairs.length);
    for (const [name, text] of pairs) {
      putText(this.#names, this.#length, name);
      putText(this.#texts, this.#length++, text);
    }
  }

  moveTo(vector: Vector, count: number): void {
    this.values.moveTo(vector, count);
    const pairs = elementsIn(vector, this.#length);
    this.#names.moveTo(duckdb.struct_vector_get_child(pairs, 0), this.#length);
    this.#texts.moveTo(duckdb.struct_vector_get_child(pairs, 1), this.#length);
    this.#length = 0;
  }
}

function putText(vector: ColumnVector, at: number, text: string): boolean {
  const bytes = Buffer.from(text);
  return vector.put(at, bytes, 0, bytes.length);
}

function setEntry(values: Values, at: number, first: number, length: number): void {
  values.reserve(at);
  setInteger(values.view, at * ENTRY_BYTES, first);
  setInteger(values.view, at * ENTRY_BYTES + 8, length);
  values.set(at);
}

/** The vector that a vector of lists has them in, with room for so many. */
function elementsIn(vector: Vector, length: number): Vector {
  duckdb.list_vector_reserve(vector, length);
  duckdb.list_vector_set_size(vector, length);
  return duckdb.list_vector_get_child(vector);
}
