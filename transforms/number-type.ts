import type { ColumnType } from '../src/core/table.ts';
import { type Decimal, formatFloat, formatPlain, wholeDigits } from './decimal.ts';

const NUMERIC = 1700;
const INTEGERS = new Map([
  [21, 2n ** 15n],
  [23, 2n ** 31n],
  [20, 2n ** 63n],
]);
/** By oid: the largest value, the smallest above zero, and from which power of ten on an exponent is written. */
const FLOATS = new Map([
  [700, { largest: 3.4028234663852886e38, smallest: 1.4e-45, exponentFrom: 6 }],
  [701, { largest: Number.MAX_VALUE, smallest: Number.MIN_VALUE, exponentFrom: 15 }],
]);
/** atttypmod of numeric: precision and scale in two halves, behind four bytes of its own; the scale may be negative. */
const MODIFIER_HEADER = 4;

/** What a column of numbers can hold, and how Postgres writes it. */
export interface NumberType {
  /** Null where the column keeps as many decimals as a value has. */
  readonly scale: number | null;
  /** Digits before the point; Infinity without a limit. */
  readonly wholeDigits: number;
  /** The text Postgres would write, `decimals` of them where the column does not say; null where the column cannot hold it. */
  format(value: Decimal, decimals: number): string | null;
}

/** Null where the type is not one of numbers. A domain over numbers keeps any: the twin holds it as text. */
export function numberType(type: ColumnType): NumberType | null {
  if (INTEGERS.has(type.oid)) return integer(INTEGERS.get(type.oid)!);
  if (FLOATS.has(type.oid)) return float(FLOATS.get(type.oid)!);
  if (type.oid === NUMERIC && type.modifier >= MODIFIER_HEADER) return limited(type.modifier - MODIFIER_HEADER);
  return type.oid === NUMERIC || (type.kind === 'd' && type.category === 'N') ? UNLIMITED : null;
}

const UNLIMITED: NumberType = { scale: null, wholeDigits: Number.POSITIVE_INFINITY, format: formatPlain };

function limited(modifier: number): NumberType {
  const precision = modifier >> 16;
  const scale = ((modifier & 0x7ff) ^ 0x400) - 0x400;
  const limit = precision - scale;
  const format = (value: Decimal) => (wholeDigits(value) > limit ? null : formatPlain(value, Math.max(scale, 0)));
  return { scale, wholeDigits: limit, format };
}

function integer(end: bigint): NumberType {
  const format = (value: Decimal) => {
    const text = formatPlain(value, 0);
    return text.length <= 20 && BigInt(text) < end && BigInt(text) >= -end ? text : null;
  };
  return { scale: 0, wholeDigits: String(end).length, format };
}

function float({
  largest,
  smallest,
  exponentFrom,
}: {
  largest: number;
  smallest: number;
  exponentFrom: number;
}): NumberType {
  const format = (value: Decimal) => {
    const text = formatFloat(value, exponentFrom);
    const size = Math.abs(Number(text));
    return text === '0' || (size <= largest && size >= smallest) ? text : null;
  };
  return { scale: null, wholeDigits: Number.POSITIVE_INFINITY, format };
}
