import type { RoundOptions } from '../config/rules.ts';
import type { Transform } from '../src/core/transform.ts';
import { parseDecimal, roundDecimal } from './decimal.ts';
import { numberType } from './number-type.ts';

const NOT_FINITE = new Set(['NaN', 'Infinity', '-Infinity']);

/** So many decimals, or zeros before the point where negative: exact at any size, half away from zero. */
export const round: Transform<RoundOptions> = {
  name: 'round',
  version: 1,
  injective: () => false,
  misfit: ({ type }, { digits }) => {
    const number = numberType(type);
    if (!number) return `\`round\` is for numbers, and the column is of type ${type.name}: choose another rule`;
    if (-digits < number.wholeDigits) return null;
    return `\`round\` to ${digits} digits leaves no digit of ${type.name}: keep more of them, or use \`constant\``;
  },
  compile: ({ type }, { digits }) => {
    const number = numberType(type)!;
    return (value) => {
      if (NOT_FINITE.has(value)) return value;
      const exact = parseDecimal(value);
      return exact && number.format(roundDecimal(exact, digits), Math.max(digits, 0));
    };
  },
};
