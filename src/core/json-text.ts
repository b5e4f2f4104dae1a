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

/** Appends `bytes[start, end)`, which are UTF-8, as a JSON string with its quotes. */
export function writeJsonText(out: ByteWriter, bytes: Buffer, start: number, end: number): void {
  out.byte(QUOTE);
  let copied = start;
  for (let at = start; at < end; at++) {
    const byte = bytes[at]!;
    if (byte >= 0x20 && byte !== QUOTE && byte !== BACKSLASH) continue;
    out.copy(bytes, copied, at);
    out.text(`\\${SHORT_ESCAPES.get(byte) ?? `u${byte.toString(16).padStart(4, '0')}`}`);
    copied = at + 1;
  }
  out.copy(bytes, copied, end);
  out.byte(QUOTE);
}
