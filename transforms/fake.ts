import { hash } from 'node:crypto';
import type { FakeOptions } from '../config/rules.ts';
import type { Transform } from '../src/core/transform.ts';
import { type Dictionary, dictionary, dictionaryHash } from './dictionary.ts';
import { FAKE_KINDS, withSuffix } from './fake-kinds.ts';
import { fits, type TextLimit, textLimit, textMisfit } from './text-type.ts';

/** How many pseudonyms are tried against a column's limit, and how many of them may be too long. */
const TRIED = 1000;
const TOO_LONG = 10;

/** A word of the kind asked for, by the value's HMAC: the same for equal values everywhere, and never the value itself. */
export const fake: Transform<FakeOptions> = {
  name: 'fake',
  version: 2,
  injective: ({ kind, unique }) => kind === 'email' && unique,
  dictionary: ({ kind, locale }) => dictionaryHash(dictionary(locale)!, FAKE_KINDS[kind].uses),
  misfit: ({ type }, options) => {
    const words = dictionary(options.locale);
    if (!words) return `there is no such \`locale\` for \`fake\`: write one such as en, de or pt_BR`;
    const limit = textLimit(type);
    if (!limit || !isOftenTooLong(limit, words, options)) return textMisfit('fake', type);
    return `\`fake\` would often not fit the ${limit.length} characters of the column: use another kind, or \`hash\``;
  },
  compile: (_column, options, keys) => {
    const words = dictionary(options.locale)!;
    const hmac = keys.hmac(options.kind);
    return (value) => pseudonym(words, hmac(value), value, options);
  },
};

function pseudonym(words: Dictionary, digest: string, value: string, options: FakeOptions): string {
  const { make } = FAKE_KINDS[options.kind];
  const first = make(words, digest, 0, value, options);
  const other = isSame(first, value) ? make(words, digest, 1, value, options) : first;
  return options.unique ? withSuffix(other, digest) : other;
}

/** `EMMA` for `Emma` would still be the person. */
function isSame(pseudonym: string, value: string): boolean {
  return pseudonym.length === value.length && pseudonym.toLowerCase() === value.toLowerCase();
}

/** A shorter dictionary for a narrow column would give one person two pseudonyms, so there the rule is refused instead. */
function isOftenTooLong(limit: TextLimit, words: Dictionary, options: FakeOptions): boolean {
  // A form has the length of its value, which the column holds.
  if (FAKE_KINDS[options.kind].uses.length === 0) return false;
  let tooLong = 0;
  for (let index = 0; index < TRIED; index++) {
    const made = pseudonym(words, hash('sha256', String(index)), '', options);
    if (!fits(made, limit)) tooLong++;
  }
  return tooLong > TOO_LONG;
}
