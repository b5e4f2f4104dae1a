import assert from 'node:assert/strict';
import { test } from 'node:test';
import { zstdDecompressSync } from 'node:zlib';
import { BatchMemory } from '../../../../sinks/kafka/client/batch-memory.ts';
import {
  BATCH_HEAD_BYTES,
  type Compression,
  RecordBatch,
  varintSize,
  writeVarint,
} from '../../../../sinks/kafka/client/record-batch.ts';
import { NO_HEADERS } from '../../../../sinks/kafka/format/headers.ts';
import { ByteWriter } from '../../../../src/core/bytes.ts';
import { range } from '../parts.ts';

const NOBODY = { id: 1n, epoch: 0 };

function batchOf(memory: BatchMemory, values: readonly string[]): RecordBatch {
  const batch = new RecordBatch(memory);
  for (const value of values) batch.add(range('key'), range(value), NO_HEADERS);
  return batch;
}

async function sent(batch: RecordBatch, compression: Compression): Promise<Buffer> {
  await batch.pack(compression);
  return batch.encode(NOBODY, 7);
}

test('a compressed batch holds the records of one that is not', async () => {
  const values = ['a', 'b'.repeat(100_000), ''];
  const plain = await sent(batchOf(new BatchMemory(), values), 'none');
  const compressed = await sent(batchOf(new BatchMemory(), values), 'zstd');
  assert.deepEqual(zstdDecompressSync(compressed.subarray(BATCH_HEAD_BYTES)), plain.subarray(BATCH_HEAD_BYTES));
});

test('a packed batch stays what it was when its memory goes to another', async () => {
  const memory = new BatchMemory();
  const first = batchOf(memory, ['first']);
  const [before, bytes] = [Buffer.from(await sent(first, 'zstd')), first.bytes];
  const second = batchOf(memory, ['second', 'and more']);
  assert.deepEqual(first.encode(NOBODY, 7), before);
  assert.equal(first.bytes, bytes);
  assert.equal(second.count, 2);
  assert.notEqual(memory.take(), memory.take());
});

test('a varint is the zigzag of any number of 32 bits, in as few bytes as it takes', () => {
  const edges = [0, 6, 7, 13, 14, 20, 21, 27, 28, 30].flatMap((bits) => [2 ** bits - 1, 2 ** bits, -(2 ** bits)]);
  for (const value of [...edges, 2 ** 31 - 1, -(2 ** 31)]) {
    const out = new ByteWriter(8);
    writeVarint(out, value);
    const read = out.view().reduce((sum, byte, index) => sum + (byte & 0x7f) * 128 ** index, 0);
    assert.equal(read % 2 === 0 ? read / 2 : -(read + 1) / 2, value);
    assert.equal(varintSize(value), out.length);
    assert.ok(out.bytes[out.length - 1]! < 0x80 && (out.length === 1 || out.bytes[out.length - 1]! > 0));
  }
});
