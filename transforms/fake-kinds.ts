import type { FakeOptions } from '../config/rules.ts';
import type { Dictionary } from './dictionary.ts';

const MAIL_DOMAINS = ['example.com', 'example.net', 'example.org'];
const POSTCODE_FORM = /^(?=.{3,10}$)(?=.*\d)[A-Za-z\d]+([ -][A-Za-z\d]+)?$/;

/** How pseudonyms of one semantic class are made. Everything random in them comes from the digest, 64 hex digits. */
export interface FakeKind {
  /** What of the dictionary they are made of. */
  readonly uses: readonly (keyof Dictionary)[];
  /** The pseudonym, or with `step` 1 the next one: another for sure. Of the value itself only the form may show. */
  make(words: Dictionary, digest: string, step: number, value: string, options: FakeOptions): string;
}

export const FAKE_KINDS: { readonly [K in FakeOptions['kind']]: FakeKind } = {
  firstName: {
    uses: ['firstNames'],
    make: (words, digest, step) => pick(words.firstNames, digest, 0, step),
  },
  lastName: {
    uses: ['lastNames'],
    make: (words, digest, step) => pick(words.lastNames, digest, 0, step),
  },
  name: {
    uses: ['firstNames', 'lastNames'],
    make: (words, digest, step) => `${pick(words.firstNames, digest, 0, step)} ${pick(words.lastNames, digest, 1)}`,
  },
  email: {
    uses: ['firstMailboxes', 'lastMailboxes'],
    make: (words, digest, step, _value, { domain = pick(MAIL_DOMAINS, digest, 2) }) =>
      `${pick(words.firstMailboxes, digest, 0, step)}.${pick(words.lastMailboxes, digest, 1)}@${domain}`,
  },
  phone: {
    uses: ['phoneNumbers'],
    // Nothing of the value's form stays: any other number could be somebody's.
    make: (words, digest, step) => dial(pick(words.phoneNumbers, digest, 0), digest.slice(8), step),
  },
  street: {
    uses: ['streets', 'numberFirst'],
    make: (words, digest, step) => {
      const street = pick(words.streets, digest, 0, step);
      const number = 1 + (draw(digest, 1) % 299);
      return words.numberFirst ? `${number} ${street}` : `${street} ${number}`;
    },
  },
  city: {
    uses: ['cities'],
    make: (words, digest, step) => pick(words.cities, digest, 0, step),
  },
  postcode: {
    uses: [],
    make: (_words, digest, step, value) => reform(POSTCODE_FORM.test(value) ? value : '22222', digest, step),
  },
  company: {
    uses: ['lastNames', 'legalForms'],
    make: (words, digest, step) => {
      const [first, second] = [pick(words.lastNames, digest, 0, step), pick(words.lastNames, digest, 1)];
      return `${first}-${second} ${pick(words.legalForms, digest, 2)}`;
    },
  },
};

/** Before the @: 80 bits of the digest that no other part of the address is made of. */
export function withSuffix(address: string, digest: string): string {
  const at = address.indexOf('@');
  return `${address.slice(0, at)}.${base32(digest.slice(-20, -10))}${base32(digest.slice(-10))}${address.slice(at)}`;
}

/** Ten hex digits as eight, to fit narrow columns better: 40 bits, which a Number holds exactly. */
function base32(digits: string): string {
  return Number.parseInt(digits, 16).toString(32).padStart(8, '0');
}

/** The `place`-th 32 bits of the digest, digit by digit: to parse a piece cut out of it takes ten times as long. */
function draw(digest: string, place: number): number {
  let drawn = 0;
  for (let at = place * 8; at < place * 8 + 8; at++) drawn = (drawn << 4) | digitOf(digest.charCodeAt(at));
  return drawn >>> 0;
}

/** Of `0` to `9` and `a` to `f`: the letters' own low bits begin with 1. */
function digitOf(code: number): number {
  return (code & 0xf) + (code >> 6) * 9;
}

function pick(list: readonly string[], digest: string, place: number, step = 0): string {
  return list[((draw(digest, place) % list.length) + step) % list.length]!;
}

/** A digit for each #; the last one makes the next pseudonym another. */
function dial(form: string, digest: string, step: number): string {
  const last = form.lastIndexOf('#');
  return form.replace(/#/g, (_, index) => {
    const drawn = Number.parseInt(digest.slice(index * 2, index * 2 + 2), 16);
    return String((index === last ? drawn + step : drawn) % 10);
  });
}

/** Digits for digits, letters for letters of the same case; a leading zero stays one and no other digit becomes one. */
function reform(form: string, digest: string, step: number): string {
  const first = form.search(/\d/);
  const last = form.search(/[A-Za-z\d][^A-Za-z\d]*$/);
  const characters = Array.from(form, (character, index) => {
    const drawn = Number.parseInt(digest.slice(index * 2, index * 2 + 2), 16);
    // The last one makes the next pseudonym another, and so has to be free.
    if (index === last) return replacement(character, drawn + step);
    if (index === first) return character === '0' ? '0' : String(1 + (drawn % 9));
    return replacement(character, drawn);
  });
  return characters.join('');
}

function replacement(character: string, drawn: number): string {
  if (/[a-z]/.test(character)) return String.fromCharCode(0x61 + (drawn % 26));
  if (/[A-Z]/.test(character)) return String.fromCharCode(0x41 + (drawn % 26));
  return /\d/.test(character) ? String(drawn % 10) : character;
}
