import assert from 'node:assert/strict';
import { test } from 'node:test';
import { murmur2, partitionOf } from '../../../../sinks/kafka/client/partition.ts';

// The vectors of Kafka's own test of its hash (UtilsTest.testMurmur2).
const vectors: Readonly<Record<string, number>> = {
  '21': -973932308,
  foobar: -790332482,
  'a-little-bit-long-string': -985981536,
  'a-little-bit-longer-string': -1486304829,
  lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8: -58897971,
  abc: 479470107,
};

test('a key is hashed as Kafka’s Java producers hash it', () => {
  for (const [text, hash] of Object.entries(vectors)) {
    const bytes = Buffer.from(`..${text}.`);
    assert.equal(murmur2(bytes, 2, bytes.length - 1), hash, text);
  }
});

test('every key has a partition that is there', () => {
  for (let i = 0; i < 1000; i++) {
    const bytes = Buffer.from(String(i));
    for (const partitions of [1, 3, 7]) assert.ok(partitionOf(bytes, 0, bytes.length, partitions) < partitions);
  }
});
