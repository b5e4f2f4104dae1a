// Random values for properties over transforms.
import type { Random } from '../support/random/prng.ts';

/** None of them is a digit, an ASCII letter, or a character that any rule writes. */
const FOREIGN = [...'ЖЩЮЯЦЪЫ日本語文字ßÆØåπλψ💥🦆𝔘☃ξ'];

/** A text of so many characters that no rule would write by itself: what of it is in a result was let through. */
export function foreignText(least: number, most: number): (random: Random) => string {
  return (random) => Array.from({ length: random.int(least, most) }, () => random.pick(FOREIGN)).join('');
}

export function digits(random: Random, count: number): string {
  return Array.from({ length: count }, () => random.int(0, 9)).join('');
}

/** As Postgres writes a numeric of at most so many digits on either side of the point. */
export function decimalText(whole: number, decimals: number): (random: Random) => string {
  return (random) => {
    const sign = random.chance(0.5) ? '-' : '';
    const before = digits(random, random.int(1, whole)).replace(/^0+(?=\d)/, '');
    const text = decimals > 0 ? `${before}.${digits(random, decimals)}` : before;
    return /[1-9]/.test(text) ? sign + text : text;
  };
}
