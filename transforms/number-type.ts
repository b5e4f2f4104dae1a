import type { ColumnType } from '../src/core/table.ts';
import { type Decimal, formatFloat, formatPlain, wholeDigits } from './decimal.ts';

const NUMERIC = 1700;
/** atttypmod of numeric: precision and scale in two halves, behind four bytes of its own; the scale may be negative. */
const MODIFIER_HEADER = 4;

/** What a column of numbers can hold, and how Postgres writes it. */
export interface NumberType {
  /** Null where the column keeps as many decimals as a value has. */
  readonly scale: number | null;
  /** Digits before the point; Infinity without a limit. */
  readonly wholeDigits: number;
  /** So many significant digits come back as they were stored; Infinity where all do. */
  readonly exactDigits: number;
  /** The text Postgres would write, with `decimals` where the column does not say; null where the column cannot hold it. */
  format(value: Decimal, decimals: number): string | null;
}

const UNLIMITED: NumberType = {
  scale: null,
  wholeDigits: Number.POSITIVE_INFINITY,
  exactDigits: Number.POSITIVE_INFINITY,
  format: formatPlain,
};

/** By oid. */
const NUMBER_TYPES = new Map([
  [21, integer(2n ** 15n)],
  [23, integer(2n ** 31n)],
  [20, integer(2n ** 63n)],
  [700, float(6, 1.4e-45, 3.4028234663852886e38)],
  [701, float(15, Number.MIN_VALUE, Number.MAX_VALUE)],
]);

/** Null where the type is not one of numbers. A domain over numbers keeps any: the twin holds it as text. */
export function numberType(type: ColumnType): NumberType | null {
  if (type.oid === NUMERIC && type.modifier >= MODIFIER_HEADER) return limited(type.modifier - MODIFIER_HEADER);
  if (type.oid === NUMERIC || (type.kind === 'd' && type.category === 'N')) return UNLIMITED;
  return NUMBER_TYPES.get(type.oid) ?? null;
}

function limited(modifier: number): NumberType {
  const precision = modifier >> 16;
  const scale = ((modifier & 0x7ff) ^ 0x400) - 0x400;
  const limit = precision - scale;
  return {
    scale,
    wholeDigits: limit,
    exactDigits: Number.POSITIVE_INFINITY,
    format: (value) => (wholeDigits(value) > limit ? null : formatPlain(value, Math.max(scale, 0))),
  };
}

/** From -`end` up to `end`, which is not among them. */
function integer(end: bigint): NumberType {
  const digits = String(end).length;
  return {
    scale: 0,
    wholeDigits: digits,
    exactDigits: Number.POSITIVE_INFINITY,
    format: (value) => {
      if (wholeDigits(value) > digits) return null;
      const text = formatPlain(value, 0);
      return BigInt(text) < end && BigInt(text) >= -end ? text : null;
    },
  };
}

function float(exactDigits: number, smallest: number, largest: number): NumberType {
  return {
    scale: null,
    wholeDigits: Number.POSITIVE_INFINITY,
    exactDigits,
    format: (value) => {
      const text = formatFloat(value, exactDigits);
      const size = Math.abs(Number(text));
      return text === '0' || (size >= smallest && size <= largest) ? text : null;
    },
  };
}
