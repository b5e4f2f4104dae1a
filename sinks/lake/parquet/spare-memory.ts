/** Of a run of rows, unless a single row needs more. */
export const RUN_BYTES = 1024 * 1024;
const MOST_SPARE = 16;

/** Memory of runs that were converted, for the next ones: left to the collector it would stay for as long as it takes to gather as much again. */
export class SpareMemory {
  readonly #spare: Buffer[] = [];

  take(): Buffer {
    return this.#spare.pop() ?? Buffer.allocUnsafeSlow(RUN_BYTES);
  }

  /** Nobody may use it any more. */
  give(memory: Buffer): void {
    if (memory.length === RUN_BYTES && this.#spare.length < MOST_SPARE) this.#spare.push(memory);
  }
}
