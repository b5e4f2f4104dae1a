import type { Vector } from '@duckdb/node-bindings';
import { setInteger } from './number-text.ts';
import { type ColumnVector, type FilledVector, Values } from './vector.ts';

/** Writes the value that a text stands for, at byte `to`. False where it has no place in the type. */
export type Write = (view: DataView, to: number, bytes: Buffer, start: number, end: number) => boolean;

/** Values of one width. */
export class FixedVector implements ColumnVector {
  readonly values: Values;
  readonly #width: number;
  readonly #write: Write;

  /** `width` in bytes. */
  constructor(width: number, write: Write) {
    this.values = new Values(width);
    this.#width = width;
    this.#write = write;
  }

  put(at: number, bytes: Buffer, start: number, end: number): boolean {
    this.values.reserve(at);
    const isWritten = this.#write(this.values.view, at * this.#width, bytes, start, end);
    if (isWritten) this.values.set(at);
    return isWritten;
  }

  moveTo(vector: Vector, count: number): void {
    this.values.moveTo(vector, count);
  }
}

/** Integers of 64 bits. */
export class LongVector implements FilledVector {
  readonly values = new Values(8);

  put(at: number, value: number | bigint): void {
    this.values.reserve(at);
    if (typeof value === 'number') setInteger(this.values.view, at * 8, value);
    else this.values.view.setBigInt64(at * 8, value, true);
    this.values.set(at);
  }

  moveTo(vector: Vector, count: number): void {
    this.values.moveTo(vector, count);
  }
}
