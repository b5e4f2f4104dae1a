import type { Random } from './prng.ts';

/** Texts with all that COPY, quoting and encodings stumble over. */
const AWKWARD = [
  '',
  ' ',
  '\\N',
  '\\.',
  'tab\there',
  'two\nlines\r\n',
  'back\\slash',
  "o'quote",
  '"double"',
  'NULL',
  '{"a":[1]}',
  'ümläut',
  '日本語',
  'e\u0301',
  '\u{1f600}\u2028',
  '\u0001',
];

const WORDS = ['amber', 'birch', 'cedar', 'delta', 'ember', 'fjord', 'grove', 'heath', 'islet', 'juniper'];

/** A random value of a type (as format_type names it) as its text. `unique` goes into it wherever the type has room: for keys. */
export function randomValue(random: Random, type: string, unique?: number): string {
  const [, base = '', , first] =
    /^([a-z ]+?)(?: with(?:out)? time zone)?(\((\d+)(?:,\d+)?\))?(?: with(?:out)? time zone)?$/.exec(type) ?? [];
  const make = MAKERS[base];
  if (!make) throw new Error(`the random changes know no values of the type ${type}`);
  return make({ random, width: first === undefined ? undefined : Number(first), type, unique });
}

interface Want {
  readonly random: Random;
  /** The first number in the type's parentheses. */
  readonly width: number | undefined;
  readonly type: string;
  readonly unique: number | undefined;
}

const MAKERS: Readonly<Record<string, (want: Want) => string>> = {
  smallint: ({ random, unique }) => String(unique ?? random.int(-32768, 32767)),
  integer: ({ random, unique }) => String(unique ?? random.int(-2147483648, 2147483647)),
  bigint: ({ random, unique }) => String(unique ?? BigInt(random.int(-(2 ** 31), 2 ** 31)) * BigInt(random.bits())),
  numeric: ({ random, type, unique }) => String(unique ?? randomNumeric(random, type)),
  'double precision': ({ random }) => String((random.fraction() - 0.5) * 10 ** random.int(-20, 20)),
  boolean: ({ random }) => (random.chance(0.5) ? 't' : 'f'),
  text: ({ random, unique }) => randomText(random, undefined, unique),
  'character varying': ({ random, width, unique }) => randomText(random, width, unique),
  date: ({ random }) => `${random.int(1900, 2100)}-${two(random.int(1, 12))}-${two(random.int(1, 28))}`,
  timestamp: ({ random }) => randomTimestamp(random),
  uuid: ({ random }) => random.hex(32),
  bytea: ({ random }) => `\\x${random.hex(2 * random.size(1, 64))}`,
  jsonb: ({ random }) =>
    JSON.stringify({ word: random.pick(AWKWARD.slice(0, -1)), n: random.int(0, 9), list: [1, null] }),
};

/** A value long enough to be stored out of line, and random enough not to be compressed back in. */
export function largeText(random: Random): string {
  return random.hex(random.int(2_500, 12_000));
}

function randomText(random: Random, width: number | undefined, unique: number | undefined): string {
  const words = Array.from({ length: random.int(1, 4) }, () => random.pick(WORDS));
  if (unique !== undefined) return [...`${unique} ${words.join(' ')}`].slice(0, width).join('');
  const text = random.chance(0.15) ? random.pick(AWKWARD) : `${words.join(' ')} ${random.hex(4)}`;
  return [...text].slice(0, width).join('');
}

function randomNumeric(random: Random, type: string): string {
  const [, precision = '12', scale = '4'] = /\((\d+),(\d+)\)/.exec(type) ?? [];
  const whole = Math.min(9, Number(precision) - Number(scale));
  const sign = random.chance(0.3) ? '-' : '';
  return `${sign}${random.int(0, 10 ** whole - 1)}.${String(random.bits()).padStart(10, '0').slice(0, Number(scale))}`;
}

function randomTimestamp(random: Random): string {
  const at = new Date(random.int(0, 2 ** 31) * 1000).toISOString().replace('T', ' ').replace('.000Z', '');
  return `${at}.${String(random.int(0, 999_999)).padStart(6, '0')}`;
}

const two = (number: number) => String(number).padStart(2, '0');
