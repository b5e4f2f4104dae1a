import { fetchV12, listOffsetsV7, type RecordsBatch } from '@platformatic/kafka';
import { PgveilError } from '../../../src/core/errors.ts';
import type { Cluster } from './cluster.ts';
import { TRANSACTIONAL } from './record-batch.ts';

const NO_REPLICA = -1;
const READ_UNCOMMITTED = 0;
const READ_COMMITTED = 1;
const LATEST = -1n;
const EARLIEST = -2n;
const WAIT_MS = 500;
const NO_SESSION = [0, -1] as const;
/** Compressed; of what comes out of it all is in memory at once, and is taken apart in one go. */
const FETCH_BYTES = 1024 * 1024;
/** Between two looks at where a partition ends. */
const LOOK_MS = 20;

const CONTROL = 1 << 5;
const ABORT_MARKER = 0;

export interface CommittedRecord {
  readonly offset: bigint;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: readonly (readonly [Buffer | null, Buffer | null])[];
}

/**
 * All records of a partition that are committed by now, in their order. The client's own consumer is of no use for that: it delivers
 * records of aborted transactions, too.
 */
export async function* readCommitted(
  cluster: Cluster,
  topic: string,
  partition: number,
): AsyncIterable<CommittedRecord> {
  const end = await offset(cluster, topic, partition, LATEST, READ_COMMITTED);
  for (let at = await firstOffset(cluster, topic, partition); at < end; ) {
    const { batches, abortions } = await fetchFrom(cluster, topic, partition, at);
    if (batches.length === 0) throw new PgveilError('kafka_away', 'a topic could not be read to its end');
    const aborted = new Set<bigint>();
    for (const batch of batches) {
      const last = batch.firstOffset + BigInt(batch.lastOffsetDelta);
      while (abortions.length > 0 && abortions[0]!.firstOffset <= last) aborted.add(abortions.shift()!.producerId);
      for (const record of recordsOf(batch, aborted)) if (record.offset >= at && record.offset < end) yield record;
      if (last >= at) at = last + 1n; // of a compacted batch the last records may be gone, and all may
    }
  }
}

function* recordsOf(batch: RecordsBatch, aborted: Set<bigint>): Iterable<CommittedRecord> {
  if (batch.attributes & CONTROL) {
    if (batch.records[0]?.key?.readInt16BE(2) === ABORT_MARKER) aborted.delete(batch.producerId);
    return;
  }
  if (batch.attributes & TRANSACTIONAL && aborted.has(batch.producerId)) return;
  for (const { offsetDelta, key, value, headers } of batch.records) {
    yield { offset: batch.firstOffset + BigInt(offsetDelta), key, value, headers };
  }
}

async function fetchFrom(cluster: Cluster, topic: string, partition: number, from: bigint) {
  const wanted = {
    partition,
    currentLeaderEpoch: -1,
    fetchOffset: from,
    lastFetchedEpoch: NO_REPLICA,
    partitionMaxBytes: FETCH_BYTES,
  };
  const { responses } = await cluster.askLeader(
    topic,
    partition,
    fetchV12.api,
    WAIT_MS,
    1,
    FETCH_BYTES,
    READ_COMMITTED,
    ...NO_SESSION,
    [{ topicId: topic, partitions: [wanted] }],
    [],
    '',
  );
  const { records, abortedTransactions } = responses[0]!.partitions[0]!;
  const abortions = (abortedTransactions ?? []).toSorted((a, b) => (a.firstOffset < b.firstOffset ? -1 : 1));
  return { batches: records ?? [], abortions };
}

/** Where the next record goes, whoever writes it. */
export async function endOf(cluster: Cluster, topic: string, partition: number): Promise<bigint> {
  return await offset(cluster, topic, partition, LATEST, READ_UNCOMMITTED);
}

export async function firstOffset(cluster: Cluster, topic: string, partition: number): Promise<bigint> {
  return await offset(cluster, topic, partition, EARLIEST, READ_COMMITTED);
}

/** A commit is acknowledged before readers see it. Resolves when they see all that is there now: no transaction is open, nor about to end. */
export async function allSeen(cluster: Cluster, topic: string, partition: number): Promise<void> {
  const end = await endOf(cluster, topic, partition);
  const deadline = performance.now() + cluster.patienceMs;
  while ((await offset(cluster, topic, partition, LATEST, READ_COMMITTED)) < end) {
    if (performance.now() > deadline) throw new PgveilError('kafka_away', `a transaction in ${topic} does not end`);
    await cluster.pause(LOOK_MS);
  }
}

/** Where open transactions are left out, the latest is the one before the first of them. */
async function offset(
  cluster: Cluster,
  topic: string,
  partition: number,
  timestamp: bigint,
  isolation: number,
): Promise<bigint> {
  const partitions = [{ partitionIndex: partition, currentLeaderEpoch: -1, timestamp }];
  const asked = [{ name: topic, partitions }];
  const { topics } = await cluster.askLeader(topic, partition, listOffsetsV7.api, NO_REPLICA, isolation, asked);
  return topics[0]!.partitions[0]!.offset;
}
