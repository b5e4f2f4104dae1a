import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ByteWriter } from '../../../src/core/bytes.ts';
import { writeJsonText } from '../../../src/core/json-text.ts';

const written = (text: string) => {
  const [out, bytes] = [new ByteWriter(1), Buffer.from(`before ${text} behind`)];
  out.text('=');
  writeJsonText(out, bytes, 7, bytes.length - 7);
  return out.view().toString();
};

for (const length of [0, 1, 255, 256, 257, 2000]) {
  test(`a text of ${length} characters is written as JSON.stringify does, wherever something is to be escaped`, () => {
    const plain = 'ü€😀x'.repeat(length).slice(0, length).toWellFormed();
    assert.equal(written(plain), `=${JSON.stringify(plain)}`);
    for (const escaped of ['"', '\\', '\n', '\u0001', '\u007f']) {
      for (const at of [0, 1, 254, 255, 256, length - 1].filter((at) => at >= 0 && at <= length)) {
        const text = `${plain.slice(0, at)}${escaped}${plain.slice(at)}`.toWellFormed();
        assert.equal(written(text), `=${JSON.stringify(text)}`);
      }
    }
  });
}
