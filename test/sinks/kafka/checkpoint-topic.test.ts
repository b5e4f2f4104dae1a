// What a checkpoint topic's records amount to, read from brokers that are none.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fetchV12 } from '@platformatic/kafka';
import { CheckpointTopic, readCheckpoint } from '../../../sinks/kafka/checkpoint-topic.ts';
import type { Cluster } from '../../../sinks/kafka/client/cluster.ts';
import type { Topics } from '../../../sinks/kafka/topics/topics.ts';
import { entryToJson } from '../../../src/core/entry-json.ts';
import type { PgveilError } from '../../../src/core/errors.ts';
import { storedPosition } from '../../../src/core/position-json.ts';
import { entryOf, positionAt, sketchTable } from '../../support/batches.ts';

const table = sketchTable({ relation: 't', columns: { id: 'bigint' }, key: ['id'] });
const POSITION = { format: 3, position: storedPosition(positionAt(0x100n)), progress: null };
const GOOD = [
  ['position', JSON.stringify(POSITION)],
  ['table/public.t', entryToJson(entryOf(table))],
  ['topic/shop.public.t', 'an-id'],
  ['copiers', '2'],
] as const;

/** All that a reader of one partition asks for, with these records in it. */
function clusterWith(records: readonly (readonly [string, string])[]): Cluster {
  const batch = {
    firstOffset: 0n,
    lastOffsetDelta: records.length - 1,
    attributes: 0,
    producerId: -1n,
    records: records.map(([key, value], offsetDelta) => {
      return { offsetDelta, key: Buffer.from(key), value: Buffer.from(value), headers: [] };
    }),
  };
  const fetched = { responses: [{ partitions: [{ records: [batch], abortedTransactions: [] }] }] };
  const askLeader = async (_topic: string, _partition: number, api: unknown, ...[, , asked]: readonly unknown[]) => {
    if (api === fetchV12.api) return fetched;
    const [{ partitions }] = asked as [{ partitions: [{ timestamp: bigint }] }];
    const offset = partitions[0].timestamp === -2n ? 0n : BigInt(records.length);
    return { topics: [{ partitions: [{ offset }] }] };
  };
  return { askLeader } as unknown as Cluster;
}

const read = (records: readonly (readonly [string, string])[]) =>
  readCheckpoint(clusterWith(records), 'pgveil.checkpoint.shop');

test('the last record of each key counts', async () => {
  const stored = await read([['position', 'damaged, and overwritten since'], ['copiers', '1'], ...GOOD]);
  assert.deepEqual(stored, {
    position: positionAt(0x100n),
    progress: null,
    tables: new Map([['public.t', entryOf(table)]]),
    made: new Map([['shop.public.t', 'an-id']]),
    copiers: 2,
  });
});

const DAMAGED: readonly (readonly [string, string])[] = [
  ['position', ''],
  ['position', '{"format":3,'],
  ['position', 'null'],
  ['position', '{}'],
  ['position', '{"format":3}'],
  ['position', JSON.stringify({ ...POSITION, position: { ...POSITION.position, pos: 'secret' } })],
  ['position', JSON.stringify({ ...POSITION, progress: { clsn: '0/1' } })],
  ['table/public.t', 'secret'],
  ['table/public.t', '{"oid":1}'],
  ['copiers', 'secret'],
];

for (const [key, value] of DAMAGED) {
  test(`${key} ${value.slice(0, 40)}: the message names the record, and nothing of what it holds`, async () => {
    await assert.rejects(read([...GOOD, [key, value]]), (error: PgveilError) => {
      assert.equal(error.code, 'checkpoint_damaged');
      const place = 'the record at offset 4 of topic pgveil.checkpoint.shop, partition 0,';
      assert.equal(error.message, `${place} is not what pgveil wrote there`);
      return true;
    });
  });
}

test('what a newer pgveil wrote is not damaged, and an older position is of no use', async () => {
  const newer = [['table/public.t', '{"unknown":1}'] as const, ['position', '{"format":999}'] as const];
  await assert.rejects(read(newer), { code: 'newer_checkpoint' });
  const older = await read([...GOOD, ['position', '{"format":2}']]);
  assert.deepEqual([older.position, older.tables.size], [null, 1]);
});

const UNFIT = [
  {
    partitions: 1,
    isCompacted: false,
    fix: /--entity-name pgveil\.checkpoint\.shop --add-config cleanup\.policy=compact$/,
  },
  { partitions: 2, isCompacted: true, fix: /delete that topic/ },
  { partitions: 2, isCompacted: false, fix: /delete that topic/ },
];

test('a topic that somebody else made is refused, with what mends it', async () => {
  for (const { fix, ...topic } of UNFIT) {
    const topics = { open: async () => topic } as unknown as Topics;
    const opening = CheckpointTopic.open(clusterWith([]), topics, 'shop', 1);
    await assert.rejects(opening, { code: 'kafka_failed', message: /must have one partition and be compacted/, fix });
  }
});
