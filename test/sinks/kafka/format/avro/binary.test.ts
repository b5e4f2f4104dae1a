import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  writeBigLong,
  writeDouble,
  writeFloat,
  writeInteger,
  writeText,
} from '../../../../../sinks/kafka/format/avro/binary.ts';
import { ByteWriter } from '../../../../../src/core/bytes.ts';
import { decodeAvro } from '../../../../support/kafka/avro.ts';

type WriteText = (out: ByteWriter, bytes: Buffer, start: number, end: number) => void;

/** What is written of a text that stands between others. */
function written(write: WriteText, text: string): Buffer {
  const out = new ByteWriter(1);
  write(out, Buffer.from(`[${text}]`), 1, 1 + text.length);
  return out.view();
}

describe('integers', () => {
  test('are written as the specification has it', () => {
    const examples = {
      '0': '00',
      '-1': '01',
      '1': '02',
      '-2': '03',
      '2': '04',
      '-64': '7f',
      '64': '8001',
      '-65': '8101',
    };
    for (const [text, hex] of Object.entries(examples)) assert.equal(written(writeInteger, text).toString('hex'), hex);
  });

  test('are exact up to the ends of a bigint', () => {
    const ends = [2n ** 31n, 2n ** 49n, 10n ** 14n, 10n ** 15n, 2n ** 53n, 2n ** 62n, 2n ** 63n - 1n];
    for (const value of [...ends.flatMap((end) => [end - 1n, end, -end]), -(2n ** 63n)]) {
      assert.equal(decodeAvro('long', written(writeInteger, String(value))), value);
      const out = new ByteWriter(1);
      writeBigLong(out, value);
      assert.deepEqual(out.view(), written(writeInteger, String(value)));
    }
  });
});

test('floats keep what they are, those that JSON has no number for too', () => {
  for (const text of ['0', '-0', '1.5', '5e-324', '1.7976931348623157e+308', 'Infinity', '-Infinity', 'NaN']) {
    assert.equal(decodeAvro('double', written(writeDouble, text)), Number(text));
  }
  for (const text of ['1e-45', '3.4028235e+38', '0.1', 'NaN', '-Infinity']) {
    assert.equal(decodeAvro('float', written(writeFloat, text)), Math.fround(Number(text)));
  }
});

test('a text is as long as its bytes are', () => {
  const out = new ByteWriter(1);
  writeText(out, 'é😀');
  assert.deepEqual(out.view(), Buffer.from([12, ...Buffer.from('é😀')]));
});
