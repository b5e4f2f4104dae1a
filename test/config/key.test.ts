import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseKey } from '../../config/key.ts';

// 32 bytes whose base64 has both + and /.
const bytes = Buffer.from('fbefbe00112233445566778899aabbccddeeff000102030405060708090afbff', 'hex');

test('a key is read from base64, URL-safe or not, padded or not, in one line or wrapped', () => {
  const base64 = bytes.toString('base64');
  const spellings = [
    base64,
    base64.replace('=', ''),
    bytes.toString('base64url'),
    `${base64.slice(0, 20)}\n${base64.slice(20)}`,
  ];
  for (const text of spellings) assert.deepEqual(parseKey(text), bytes, text);
});

test('what consists of hexadecimal digits alone is hex', () => {
  assert.deepEqual(parseKey(bytes.toString('hex')), bytes);
  assert.deepEqual(parseKey(bytes.toString('hex').toUpperCase()), bytes);
});

test('a key may be longer than 32 bytes', () => {
  const long = Buffer.concat([bytes, bytes]);
  assert.deepEqual(parseKey(long.toString('base64')), long);
});

const weak: [string, string][] = [
  ['an empty one', ''],
  ['31 bytes in base64', bytes.subarray(1).toString('base64')],
  ['31 bytes in hex', bytes.subarray(1).toString('hex')],
  ['32 characters of hex, which are 16 bytes', '00112233445566778899aabbccddeeff'],
  ['an odd number of hexadecimal digits', `${bytes.toString('hex')}0`],
  ['a sentence', 'correct horse battery staple, and some more words, and yet more!'],
  ['zeros in hex', '00'.repeat(32)],
  ['one byte repeated, in base64', Buffer.alloc(40, 7).toString('base64')],
];

for (const [what, text] of weak) {
  test(`${what} is not a key`, () => assert.equal(parseKey(text), undefined));
}
