const ZERO = 0x30;
const MINUS = 0x2d;
const POINT = 0x2e;
/** Integers of so many digits are exact in a double. */
const EXACT_DIGITS = 15;
const WORD = 2 ** 32;

/**
 * Of a decimal's text, times ten to the power of `scale`. NaN where it is none, has more digits behind its point, or could have more than
 * 15 in all: then it takes a BigInt.
 */
export function scaledOf(bytes: Buffer, start: number, end: number, scale: number): number {
  const isNegative = bytes[start] === MINUS;
  const first = isNegative ? start + 1 : start;
  if (end - first + scale > EXACT_DIGITS) return Number.NaN;
  let value = 0;
  let digits = 0;
  let point = end;
  for (let at = first; at < end; at++) {
    const digit = bytes[at]! - ZERO;
    if (digit >= 0 && digit <= 9) {
      value = value * 10 + digit;
      digits++;
    } else if (bytes[at] === POINT && point === end) point = at;
    else return Number.NaN;
  }
  const missing = scale - Math.max(0, end - point - 1);
  if (digits === 0 || missing < 0) return Number.NaN;
  for (let i = 0; i < missing; i++) value *= 10;
  return isNegative ? -value : value;
}

const DECIMAL = /^(-?)(\d+)(?:\.(\d+))?$/;

/** Likewise, of any number of digits; undefined where it is none or has more digits behind its point. */
export function largeScaledOf(text: string, scale: number): bigint | undefined {
  const [, sign, whole, fraction = ''] = DECIMAL.exec(text) ?? [];
  if (whole === undefined || fraction.length > scale) return undefined; // NaN, Infinity
  const scaled = BigInt(whole + fraction.padEnd(scale, '0'));
  return sign ? -scaled : scaled;
}

/** Writes 64 bits of an integer that a double holds exactly. By BigInt it takes three times as long. */
export function setInteger(view: DataView, at: number, value: number): void {
  const high = Math.floor(value / WORD);
  view.setUint32(at, value - high * WORD, true);
  view.setInt32(at + 4, high, true);
}
