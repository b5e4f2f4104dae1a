import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ByteWriter, writeText } from '../../../src/core/bytes.ts';

describe('a text', () => {
  const texts = [
    '',
    'a',
    'x'.repeat(64),
    'x'.repeat(65),
    'ü',
    `${'x'.repeat(40)}ü`,
    '😀',
    '\u0000\u007f',
    `${'y'.repeat(300)}ß`,
  ];

  for (const text of texts) {
    test(`of ${text.length} characters, beginning with ${JSON.stringify(text.slice(0, 2))}, is written as UTF-8`, () => {
      const [bytes, expected] = [Buffer.alloc(1000, 0xee), Buffer.from(text)];
      const end = writeText(bytes, 3, text);
      assert.equal(end, 3 + expected.length);
      assert.deepEqual(bytes.subarray(3, end), expected);
    });
  }

  test('finds room in a writer, whatever it takes', () => {
    const out = new ByteWriter(1);
    for (const text of texts) out.text(text);
    assert.equal(out.view().toString(), texts.join(''));
  });
});
