import type { HashOptions } from '../config/rules.ts';
import type { Transform } from '../src/core/transform.ts';
import { lengthMisfit, textMisfit } from './text-type.ts';

/** Hex digits from which on (128 bits) two values with one hash are not to be expected. */
const INJECTIVE_LENGTH = 32;

/** The first `length` hex digits of the value's HMAC: equal values of one class stay equal, and joins hold. */
export const hash: Transform<HashOptions> = {
  name: 'hash',
  version: 1,
  injective: ({ length }) => length >= INJECTIVE_LENGTH,
  misfit: ({ type }, { length }) => textMisfit('hash', type) ?? lengthMisfit('hash', type, length),
  compile: (_column, { length, class: semanticClass }, keys) => {
    const hmac = keys.hmac(semanticClass);
    return (value) => hmac(value).slice(0, length);
  },
};
