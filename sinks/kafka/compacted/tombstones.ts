import type { Cluster } from '../client/cluster.ts';
import { endOf } from '../client/committed.ts';
import type { Topic } from '../topics/topics.ts';
import { keysLeft } from './keys-left.ts';

/** Of each partition, an offset. */
export type Ends = readonly bigint[];

/** Finds the keys that compacted topics have to forget. One topic at a time: what it takes in memory is that of one partition. */
export class Tombstones {
  readonly #cluster: Cluster;
  #turn: Promise<unknown> = Promise.resolve();

  constructor(cluster: Cluster) {
    this.#cluster = cluster;
  }

  /** Where the topic's next records go. */
  async ends({ name, partitions }: Topic): Promise<Ends> {
    return await Promise.all(Array.from({ length: partitions }, (_, number) => endOf(this.#cluster, name, number)));
  }

  /** Calls `forget` for each key whose last record lies before `ends`, and is no tombstone. Rejects with the signal's reason. */
  async forEach(
    { name: topic }: Topic,
    ends: Ends,
    forget: (partition: number, key: Buffer) => Promise<void>,
    signal?: AbortSignal,
  ): Promise<void> {
    const search = this.#turn.then(async () => {
      for (const [partition, until] of ends.entries()) {
        signal?.throwIfAborted();
        for await (const key of keysLeft(this.#cluster, { topic, partition, until }, signal)) {
          await forget(partition, key);
        }
      }
    });
    this.#turn = search.catch(() => {}); // told to whoever asked
    await search;
  }
}
