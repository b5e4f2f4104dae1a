import type { Cluster } from '../client/cluster.ts';
import { allSeen, endOf, firstOffset, readCommitted } from '../client/committed.ts';
import { isRowKey } from '../format/event.ts';
import { KeyStates, keyHash } from './key-states.ts';

export interface Stretch {
  readonly topic: string;
  readonly partition: number;
  /** An offset: what was written from there on is not left, but new. */
  readonly until: bigint;
}

/** Whoever remembers so many keys, or as many of them as it has room for. */
type RoomFor = (keys: number) => KeyStates;

interface KeyRecord {
  readonly offset: bigint;
  readonly key: Buffer;
  readonly isTombstone: boolean;
}

/**
 * The keys of rows whose last record lies in the stretch: nothing came after it, and it is no tombstone. All that is committed is read, once
 * to know them and, where there are any, once more to name them. In memory there are hashes of one partition's keys: of 1.5 million at a
 * time (36 MB), and where there are more, the partition is read again for each share of them.
 */
export async function* keysLeft(
  cluster: Cluster,
  stretch: Stretch,
  signal?: AbortSignal,
  roomFor: RoomFor = KeyStates.for,
): AsyncGenerator<Buffer> {
  const { topic, partition, until } = stretch;
  await allSeen(cluster, topic, partition);
  const records = Number((await endOf(cluster, topic, partition)) - (await firstOffset(cluster, topic, partition)));
  for (let [share, shares] = [0, 1]; share < shares; ) {
    const states = roomFor(records / shares);
    const isMine = (key: Uint32Array) => Math.floor((key[3]! / 2 ** 32) * shares) === share;
    if (!(await readStates(states, isMine, read(cluster, stretch, signal), until))) {
      share *= 2; // those before are done
      shares *= 2;
      continue;
    }
    if (states.gone > 0) yield* nameGone(states, read(cluster, stretch, signal));
    share++;
  }
}

/** False where there are more keys than there is room for. */
async function readStates(
  states: KeyStates,
  isMine: (key: Uint32Array) => boolean,
  records: AsyncIterable<KeyRecord>,
  until: bigint,
): Promise<boolean> {
  for await (const { offset, key, isTombstone } of records) {
    const hash = keyHash(key);
    if (isMine(hash) && !states.set(hash, !isTombstone && offset < until)) return false;
  }
  return true;
}

async function* nameGone(states: KeyStates, records: AsyncIterable<KeyRecord>): AsyncGenerator<Buffer> {
  for await (const { key } of records) {
    const hash = keyHash(key);
    if (!states.isGone(hash)) continue;
    states.set(hash, false); // it is named once
    yield key;
    if (states.gone === 0) return;
  }
}

/** Those of rows, as we write them: what others may have put into the topic is theirs. */
async function* read(
  cluster: Cluster,
  { topic, partition }: Stretch,
  signal: AbortSignal | undefined,
): AsyncGenerator<KeyRecord> {
  for await (const { offset, key, value, headers } of readCommitted(cluster, topic, partition)) {
    signal?.throwIfAborted();
    const isOurs = headers.some(([name]) => name?.equals(OP));
    if (key && isOurs && isRowKey(key)) yield { offset, key, isTombstone: value === null };
  }
}

const OP = Buffer.from('pgveil.op');
