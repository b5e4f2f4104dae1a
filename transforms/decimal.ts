/** An exact decimal number, ± digits × 10^-scale. Numeric has up to 131,072 digits before its point: nothing here goes through Number. */
export interface Decimal {
  readonly negative: boolean;
  /** Without leading zeros; empty for zero. */
  readonly digits: string;
  readonly scale: number;
}

const WRITTEN = /^([+-]?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d{1,5}))?$/;

/** Reads a number as Postgres writes and takes it: `-12.50`, `1e-07`, `.5`; null for anything else, NaN and the infinities too. */
export function parseDecimal(text: string): Decimal | null {
  const [, sign, whole = '', fraction = '', exponent = '0'] = WRITTEN.exec(text) ?? [];
  if (whole === '' && fraction === '') return null;
  return decimal(sign === '-', whole + fraction, fraction.length - Number(exponent));
}

/** Half away from zero, as Postgres' round(numeric, places). Negative places round before the point. */
export function roundDecimal({ negative, digits, scale }: Decimal, places: number): Decimal {
  const cut = digits.length - (scale - places);
  if (cut >= digits.length) return { negative, digits, scale };
  const kept = digits.slice(0, Math.max(cut, 0));
  const up = cut >= 0 && digits.charCodeAt(cut) >= 0x35;
  return decimal(negative, up ? increment(kept) : kept, places);
}

/** How many digits stand before the point: less than none where zeros come first behind it (0.001: -2), -Infinity for zero. */
export function wholeDigits({ digits, scale }: Decimal): number {
  return digits === '' ? Number.NEGATIVE_INFINITY : digits.length - scale;
}

/** How many digits there are without the zeros at either end. */
export function significantDigits({ digits }: Decimal): number {
  return digits.replace(/0+$/, '').length;
}

/** Plain, with exactly so many decimals: as numeric and the integers are written. The number has no more of them than that. */
export function formatPlain({ negative, digits, scale }: Decimal, decimals: number): string {
  const all = digits === '' ? '' : digits + '0'.repeat(decimals - scale);
  const padded = all.padStart(decimals + 1, '0');
  const point = padded.length - decimals;
  return `${negative ? '-' : ''}${padded.slice(0, point)}${decimals > 0 ? `.${padded.slice(point)}` : ''}`;
}

/** As few digits as possible, and an exponent from 10^`exponentFrom` up and below 0.0001: as float4 (6) and float8 (15) are written. */
export function formatFloat({ negative, digits, scale }: Decimal, exponentFrom: number): string {
  const significant = digits.replace(/0+$/, '');
  if (significant === '') return '0';
  const exponent = digits.length - scale - 1;
  if (exponent >= -4 && exponent < exponentFrom) {
    const decimals = Math.max(significant.length - 1 - exponent, 0);
    return formatPlain({ negative, digits: significant, scale: significant.length - 1 - exponent }, decimals);
  }
  const [first, rest] = [significant.slice(0, 1), significant.slice(1)];
  const power = `${exponent < 0 ? '-' : '+'}${String(Math.abs(exponent)).padStart(2, '0')}`;
  return `${negative ? '-' : ''}${first}${rest && `.${rest}`}e${power}`;
}

/** Takes the sign from zero: neither numeric nor what is rounded to it knows a negative one. */
function decimal(negative: boolean, written: string, scale: number): Decimal {
  const digits = written.replace(/^0+/, '');
  return { negative: negative && digits !== '', digits, scale };
}

function increment(digits: string): string {
  let nines = digits.length;
  while (nines > 0 && digits[nines - 1] === '9') nines--;
  const head = digits.slice(0, Math.max(nines - 1, 0));
  const raised = nines === 0 ? '1' : String(Number(digits[nines - 1]) + 1);
  return head + raised + '0'.repeat(digits.length - nines);
}
