import type { Write } from './fixed-vector.ts';
import { largeScaledOf, scaledOf, setInteger } from './number-text.ts';

/** Numbers as DuckDB's vectors hold them. Each is exact, or has no place. */

/** Integers of 2, 4 or 8 bytes. */
export function integer(width: 2 | 4 | 8): Write {
  return scaled(width, 0, 2n ** BigInt(width * 8 - 1));
}

/** Of `numeric(precision, scale)`, as an integer of `width` bytes. */
export function decimal(width: 2 | 4 | 8 | 16, precision: number, scale: number): Write {
  return scaled(width, scale, 10n ** BigInt(precision), -(10n ** BigInt(precision)) + 1n);
}

/** An integer `10^scale` times as large, from `least` to below `limit`. */
function scaled(width: 2 | 4 | 8 | 16, scale: number, limit: bigint, least = -limit): Write {
  const put = PUT[width];
  const [numberLimit, numberLeast] = [Number(limit), Number(least)];
  return (view, to, bytes, start, end) => {
    const value = scaledOf(bytes, start, end, scale);
    if (!Number.isNaN(value)) {
      if (value >= numberLimit || value < numberLeast) return false;
      put.number(view, to, value);
      return true;
    }
    const large = largeScaledOf(bytes.toString('latin1', start, end), scale);
    if (large === undefined || large >= limit || large < least) return false;
    put.bigint(view, to, large);
    return true;
  };
}

interface Put {
  number(view: DataView, to: number, value: number): void;
  bigint(view: DataView, to: number, value: bigint): void;
}

const PUT: Readonly<Record<2 | 4 | 8 | 16, Put>> = {
  2: {
    number: (view, to, value) => view.setInt16(to, value, true),
    bigint: (view, to, value) => view.setInt16(to, Number(value), true),
  },
  4: {
    number: (view, to, value) => view.setInt32(to, value, true),
    bigint: (view, to, value) => view.setInt32(to, Number(value), true),
  },
  8: { number: setInteger, bigint: (view, to, value) => view.setBigInt64(to, value, true) },
  16: {
    number: (view, to, value) => {
      setInteger(view, to, value);
      setInteger(view, to + 8, value < 0 ? -1 : 0);
    },
    bigint: (view, to, value) => {
      view.setBigUint64(to, BigInt.asUintN(64, value), true);
      view.setBigInt64(to + 8, value >> 64n, true);
    },
  },
};

const [TRUE, FALSE] = [0x74, 0x66];

export const boolean: Write = (view, to, bytes, start, end) => {
  const isTrue = bytes[start] === TRUE;
  if (end - start !== 1 || (!isTrue && bytes[start] !== FALSE)) return false;
  view.setUint8(to, isTrue ? 1 : 0);
  return true;
};

/** Infinities and NaN are values of these types everywhere. */
export function float(width: 4 | 8): Write {
  return (view, to, bytes, start, end) => {
    const text = bytes.toString('latin1', start, end);
    const value = Number(text);
    if (text === '' || (Number.isNaN(value) && text !== 'NaN')) return false;
    if (width === 4) view.setFloat32(to, value, true);
    else view.setFloat64(to, value, true);
    return true;
  };
}
