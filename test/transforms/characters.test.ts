import assert from 'node:assert/strict';
import { test } from 'node:test';
import { countCharacters, firstCharacters, lastCharacters, withoutPadding } from '../../transforms/characters.ts';

const TEXTS = ['', 'a', 'abc', 'Zoë', '💥', 'a💥', '💥a', 'a💥b💥c', '👩‍👩‍👧', 'e\u0301'];

test('characters are code points', () => {
  for (const text of TEXTS) assert.equal(countCharacters(text), [...text].length);
});

test('the first and the last so many are cut between characters', () => {
  for (const text of TEXTS) {
    for (let count = 0; count <= 6; count++) {
      assert.equal(firstCharacters(text, count), [...text].slice(0, count).join(''));
      assert.equal(lastCharacters(text, count), count === 0 ? '' : [...text].slice(-count).join(''));
    }
  }
});

test('a half of a pair that stands alone counts as one character', () => {
  assert.equal(countCharacters('\ud83d\ud83d\udca5'), 2);
  assert.equal(firstCharacters('\udca5a', 1), '\udca5');
  assert.equal(lastCharacters('a\udca5', 1), '\udca5');
});

test('padding is blanks at the end, and nothing else; a long run of them elsewhere costs no more', () => {
  const values = ['ab   ', '  ab', 'a  b ', '   ', '', 'a\t ', 'a\u00a0', 'a\n'];
  assert.deepEqual(values.map(withoutPadding), ['ab', '  ab', 'a  b', '', '', 'a\t', 'a\u00a0', 'a\n']);
  const blanks = ' '.repeat(10_000_000);
  assert.equal(withoutPadding(`${blanks}x${blanks}`).length, blanks.length + 1);
});
