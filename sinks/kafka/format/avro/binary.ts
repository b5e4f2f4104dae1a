// Values as Avro writes them. See https://avro.apache.org/docs/1.12.0/specification/#binary-encoding.
import type { ByteWriter } from '../../../../src/core/bytes.ts';

/** Of a long, at most. */
const LONG_BYTES = 10;
/** So many digits are exact in a number, and twice that number too. */
const EXACT_DIGITS = 15;
const ZERO = 0x30;
const MINUS = 0x2d;
const LETTER_T = 0x74;

/** Int and long are written alike. Up to 2^52: bits of a number are 32. */
export function writeLong(out: ByteWriter, value: number): void {
  out.reserve(LONG_BYTES);
  let rest = value < 0 ? -2 * value - 1 : 2 * value;
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) out.bytes[out.length++] = (rest % 0x80) | 0x80;
  out.bytes[out.length++] = rest;
}

export function writeBigLong(out: ByteWriter, value: bigint): void {
  let rest = BigInt.asUintN(64, (value << 1n) ^ (value >> 63n));
  for (; rest >= 0x80n; rest >>= 7n) out.byte(Number(rest & 0x7fn) | 0x80);
  out.byte(Number(rest));
}

/** The integer whose text is `bytes[start, end)`. */
export function writeInteger(out: ByteWriter, bytes: Buffer, start: number, end: number): void {
  if (end - start > EXACT_DIGITS) {
    writeBigLong(out, BigInt(bytes.toString('latin1', start, end)));
    return;
  }
  const isNegative = bytes[start] === MINUS;
  let value = 0;
  for (let at = isNegative ? start + 1 : start; at < end; at++) value = value * 10 + bytes[at]! - ZERO;
  writeLong(out, isNegative ? -value : value);
}

/** The number whose text is `bytes[start, end)`; `NaN` and `Infinity` are numbers, too. */
export function writeFloat(out: ByteWriter, bytes: Buffer, start: number, end: number): void {
  out.reserve(4);
  out.length = out.bytes.writeFloatLE(Number(bytes.toString('latin1', start, end)), out.length);
}

export function writeDouble(out: ByteWriter, bytes: Buffer, start: number, end: number): void {
  out.reserve(8);
  out.length = out.bytes.writeDoubleLE(Number(bytes.toString('latin1', start, end)), out.length);
}

/** `t` or `f`. */
export function writeBoolean(out: ByteWriter, bytes: Buffer, start: number): void {
  out.byte(bytes[start] === LETTER_T ? 1 : 0);
}

/** The string that is `bytes[start, end)`. */
export function writeString(out: ByteWriter, bytes: Buffer, start: number, end: number): void {
  writeLong(out, end - start);
  out.copy(bytes, start, end);
}

export function writeText(out: ByteWriter, text: string): void {
  const bytes = Buffer.from(text);
  writeString(out, bytes, 0, bytes.length);
}

/** Of a union with null first, which of the two follows. */
export function writeNull(out: ByteWriter): void {
  out.byte(0);
}

export function writePresent(out: ByteWriter): void {
  out.byte(2);
}
