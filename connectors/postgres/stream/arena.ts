const BLOCK = 256 * 1024;

/**
 * Memory for the messages that are kept. A view would hold its socket's whole chunk: one small row of ours between thousands
 * of an unlisted table would cost 64 KB, and what is queued could not be counted.
 */
export class Arena {
  #block = Buffer.alloc(0);
  #used = 0;

  /** Returns where a copy of `bytes[start, end)` begins and what it lies in. */
  keep(bytes: Buffer, start: number, end: number): { readonly bytes: Buffer; readonly start: number } {
    const length = end - start;
    // One that spanned chunks has memory of its own already, and a large one gets it.
    if (bytes.length < length + length) return { bytes, start };
    if (length > BLOCK / 8) return { bytes: copyOf(bytes, start, length), start: 0 };
    if (length > this.#block.length - this.#used) {
      this.#block = Buffer.allocUnsafeSlow(BLOCK);
      this.#used = 0;
    }
    const at = this.#used;
    this.#used += bytes.copy(this.#block, at, start, end);
    return { bytes: this.#block, start: at };
  }
}

function copyOf(bytes: Buffer, start: number, length: number): Buffer {
  const copy = Buffer.allocUnsafeSlow(length);
  bytes.copy(copy, 0, start, start + length);
  return copy;
}
