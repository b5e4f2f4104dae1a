import { createHmac, hkdfSync } from 'node:crypto';

/**
 * What the exact rules give, computed from docs/configuration.md with Node's own crypto. Nothing of the product is used here:
 * this is the second opinion.
 */
export type Expect = (value: string | null) => string | null;

type Options = Readonly<Record<string, unknown>>;

/** The expectation for every decision but `drop` and `fake`; `key` is the redaction key's bytes. */
export function expectation(rule: { readonly name: string; readonly options: Options }, key: Buffer): Expect {
  const { name, options } = rule;
  switch (name) {
    case 'keep':
      return (value) => value;
    case 'null':
      return () => null;
    case 'constant':
      return overNulls(options, () => String(options.value));
    case 'mask':
      return overNulls(options, mask(options));
    case 'hash':
      return overNulls(options, hash(options, key));
    case 'truncate':
      return overNulls(options, (value) => [...value].slice(0, Number(options.length)).join(''));
    case 'round':
      return overNulls(options, (value) => roundDecimal(value, Number(options.digits ?? 0)));
    default:
      throw new Error(`the oracle has no expectation for the rule ${name}`);
  }
}

/** NULL stays NULL under every rule, unless the rule says `nulls: false`; `''` is a value. */
function overNulls(options: Options, rewrite: (value: string) => string): Expect {
  const nulls = options.nulls ?? true;
  return (value) => (value === null && nulls ? null : rewrite(value ?? ''));
}

function mask({ first = 0, last = 0, with: cover = '*' }: Options): (value: string) => string {
  return (value) => {
    const characters = [...value];
    const whole = characters.length <= Number(first) + Number(last);
    const stays = (at: number) => !whole && (at < Number(first) || at >= characters.length - Number(last));
    return characters.map((character, at) => (stays(at) ? character : String(cover))).join('');
  };
}

function hash({ length = 32, class: semanticClass = 'hash' }: Options, key: Buffer): (value: string) => string {
  const derived = Buffer.from(hkdfSync('sha256', key, '', `pgveil/1/${semanticClass}`, 32));
  return (value) => createHmac('sha256', derived).update(value, 'utf8').digest('hex').slice(0, Number(length));
}

/** Half away from zero, as Postgres rounds a numeric; digits below zero round before the point. NaN and infinities stay. */
export function roundDecimal(value: string, digits: number): string {
  const [, sign = '', whole = '', fraction = ''] = /^(-?)(\d+)(?:\.(\d+))?$/.exec(value) ?? [];
  if (whole === '') return value;
  const scaled = BigInt(whole + fraction);
  const drop = fraction.length - digits;
  if (drop <= 0) return value;
  const unit = 10n ** BigInt(drop);
  const rounded = ((scaled * 2n + unit) / (unit * 2n)) * 10n ** BigInt(Math.max(0, -digits));
  const text = rounded.toString().padStart(Math.max(0, digits) + 1, '0');
  const point = text.length - Math.max(0, digits);
  return canonicalNumber(sign + text.slice(0, point) + (digits > 0 ? `.${text.slice(point)}` : ''));
}

/** One text for equal numbers: no trailing zeros after the point, no minus before a zero. */
export function canonicalNumber(text: string): string {
  const short = text.includes('.') ? text.replace(/\.?0+$/, '') : text;
  return short === '-0' ? '0' : short;
}
