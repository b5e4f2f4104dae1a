import type { ByteWriter } from '../core/bytes.ts';

export const BACKSLASH = 0x5c;
export const TAB = 0x09;
export const NEWLINE = 0x0a;
const RETURN = 0x0d;

/** Which bytes COPY's text format wants escaped, and by which letter. Bytes of a longer UTF-8 character are never among them. */
const ESCAPES = new Uint8Array(256);
ESCAPES[BACKSLASH] = BACKSLASH;
ESCAPES[TAB] = 0x74;
ESCAPES[NEWLINE] = 0x6e;
ESCAPES[RETURN] = 0x72;

/** The inverse: what a letter behind a backslash stands for, itself unless named here. COPY TO never writes octal or hex escapes. */
export const UNESCAPES = new Uint8Array(256).map((_, byte) => byte);
UNESCAPES[0x62] = 0x08;
UNESCAPES[0x66] = 0x0c;
UNESCAPES[0x6e] = NEWLINE;
UNESCAPES[0x72] = RETURN;
UNESCAPES[0x74] = TAB;
UNESCAPES[0x76] = 0x0b;

/** From so many bytes on it costs less to look first and to copy the value whole: nearly all of them need no escape. */
const SHORT = 32;
/** From so many bytes on four native searches cost less than the loop. */
const LONG = 1024;

/** Writes the value `from[start, end)` as a field of COPY's text format. The caller writes tabs, newlines and `\N`. */
export function writeField(out: ByteWriter, from: Buffer, start: number, end: number): void {
  if (end - start >= SHORT && !needsEscape(from, start, end)) out.copy(from, start, end);
  else writeEscaped(out, from, start, end);
}

export function needsEscape(from: Buffer, start: number, end: number): boolean {
  if (end - start >= LONG) {
    const value = from.subarray(start, end);
    return [BACKSLASH, TAB, NEWLINE, RETURN].some((byte) => value.includes(byte));
  }
  for (let i = start; i < end; i++) if (ESCAPES[from[i]!] !== 0) return true;
  return false;
}

function writeEscaped(out: ByteWriter, from: Buffer, start: number, end: number): void {
  out.reserve((end - start) * 2);
  const to = out.bytes;
  let at = out.length;
  for (let i = start; i < end; i++) {
    const byte = from[i]!;
    const letter = ESCAPES[byte]!;
    if (letter !== 0) {
      to[at++] = BACKSLASH;
      to[at++] = letter;
    } else {
      to[at++] = byte;
    }
  }
  out.length = at;
}
