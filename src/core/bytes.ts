/** Up to so many bytes a loop takes less time than a call of the engine's own copy does (13 ns against 40 for 24 bytes). */
const SHORT = 64;

/** Copies `from[start, end)` to `to[at, …)`, where there must be room; returns the place behind. */
export function copyBytes(to: Buffer, at: number, from: Buffer, start: number, end: number): number {
  if (end - start > SHORT) return at + from.copy(to, at, start, end);
  for (let i = start; i < end; i++) to[at++] = from[i]!;
  return at;
}

/** Writes a text as UTF-8 to `to[at, …)`, where there must be room; returns the place behind. Most short ones are ASCII, which a loop writes. */
export function writeText(to: Buffer, at: number, text: string): number {
  if (text.length > SHORT) return at + to.write(text, at);
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code > 0x7f) return at + to.write(text, at);
    to[at + i] = code;
  }
  return at + text.length;
}

/** Appends to a buffer that grows by doubling. Tuples and COPY text are built with it, so no method allocates per value. */
export class ByteWriter {
  bytes: Buffer;
  length = 0;

  constructor(capacity = 64 * 1024) {
    this.bytes = Buffer.allocUnsafeSlow(capacity);
  }

  /** Makes room for `more` bytes, as all methods below do for themselves. Whoever writes to `bytes` calls it first. */
  reserve(more: number): void {
    const needed = this.length + more;
    if (needed <= this.bytes.length) return;
    const grown = Buffer.allocUnsafeSlow(Math.max(needed, this.bytes.length * 2));
    this.bytes.copy(grown, 0, 0, this.length);
    this.bytes = grown;
  }

  byte(value: number): void {
    this.reserve(1);
    this.bytes[this.length++] = value;
  }

  uint16(value: number): void {
    this.reserve(2);
    this.length = this.bytes.writeUInt16BE(value, this.length);
  }

  uint32(value: number): void {
    this.reserve(4);
    this.length = this.bytes.writeUInt32BE(value, this.length);
  }

  copy(from: Buffer, start: number, end: number): void {
    this.reserve(end - start);
    this.length = copyBytes(this.bytes, this.length, from, start, end);
  }

  text(value: string): void {
    this.reserve(value.length * 3);
    this.length = writeText(this.bytes, this.length, value);
  }

  /** All of `from`. */
  append(from: Buffer): void {
    this.copy(from, 0, from.length);
  }

  /** What was written since `start`, sharing memory with this writer. */
  view(start = 0): Buffer {
    return this.bytes.subarray(start, this.length);
  }

  /** Hands over what was written and starts anew with fresh memory of the same capacity. */
  take(): Buffer {
    const taken = this.view();
    this.bytes = Buffer.allocUnsafeSlow(this.bytes.length);
    this.length = 0;
    return taken;
  }

  /** Forgets what was written and reuses the memory: only when nobody holds a view of it. */
  clear(): void {
    this.length = 0;
  }
}
