import type { ByteWriter } from './bytes.ts';

const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/** JSON's short escapes, by byte; other control characters are written as \u00XX. */
const SHORT_ESCAPES = new Map([
  [0x08, 'b'],
  [0x09, 't'],
  [0x0a, 'n'],
  [0x0c, 'f'],
  [0x0d, 'r'],
  [QUOTE, '"'],
  [BACKSLASH, '\\'],
]);

/** Up to so many bytes to write as one looks takes less than to look first and copy the whole (0.4 µs against 0.8 for a row of ten columns). */
const SHORT = 256;

/** Appends `bytes[start, end)`, which are UTF-8, as a JSON string with its quotes. */
export function writeJsonText(out: ByteWriter, bytes: Buffer, start: number, end: number): void {
  out.reserve(end - start + 2);
  const to = out.bytes;
  let length = out.length;
  to[length++] = QUOTE;
  const short = Math.min(end, start + SHORT);
  let at = start;
  for (; at < short && isPlain(bytes[at]!); at++) to[length++] = bytes[at]!;
  out.length = length;
  if (at < end) writeRest(out, bytes, at, end);
  out.byte(QUOTE);
}

function writeRest(out: ByteWriter, bytes: Buffer, start: number, end: number): void {
  let copied = start;
  for (let at = start; at < end; at++) {
    const byte = bytes[at]!;
    if (isPlain(byte)) continue;
    out.copy(bytes, copied, at);
    out.text(`\\${SHORT_ESCAPES.get(byte) ?? `u${byte.toString(16).padStart(4, '0')}`}`);
    copied = at + 1;
  }
  out.copy(bytes, copied, end);
}

function isPlain(byte: number): boolean {
  return byte >= 0x20 && byte !== QUOTE && byte !== BACKSLASH;
}
