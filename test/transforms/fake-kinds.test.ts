import assert from 'node:assert/strict';
import { hash } from 'node:crypto';
import { test } from 'node:test';
import type { Dictionary } from '../../transforms/dictionary.ts';
import { FAKE_KINDS } from '../../transforms/fake-kinds.ts';

/** Of lengths that no power of two is a multiple of. */
const WORDS = {
  firstNames: Array.from({ length: 3186 }, (_, i) => `First${i}`),
  lastNames: Array.from({ length: 473 }, (_, i) => `Last${i}`),
} as unknown as Dictionary;

const DIGESTS = [
  'f'.repeat(64),
  '0'.repeat(64),
  '80000000'.repeat(8),
  ...Array.from({ length: 200 }, (_, i) => hash('sha256', `${i}`)),
];

// Pseudonyms of one version never change: those that are in a twin, a lake or a topic were made by this formula.
test('words are chosen by 32 bits of the digest each, modulo the length of their list', () => {
  for (const digest of DIGESTS) {
    const [first, last] = [drawn(digest, 0) % 3186n, drawn(digest, 1) % 473n];
    assert.equal(FAKE_KINDS.name.make(WORDS, digest, 0, '', OPTIONS), `First${first} Last${last}`);
    assert.equal(
      FAKE_KINDS.name.make(WORDS, digest, 1, '', OPTIONS),
      `First${(drawn(digest, 0) + 1n) % 3186n} Last${last}`,
    );
  }
});

const OPTIONS = { kind: 'name', unique: false, locale: 'en', nulls: true } as const;

function drawn(digest: string, place: number): bigint {
  return BigInt(`0x${digest.slice(place * 8, place * 8 + 8)}`);
}
