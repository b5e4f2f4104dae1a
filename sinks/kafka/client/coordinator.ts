import { addPartitionsToTxnV3, type Broker, endTxnV3, findCoordinatorV4, initProducerIdV4 } from '@platformatic/kafka';
import type { Cluster } from './cluster.ts';
import type { ProducerId } from './record-batch.ts';
import { codeOf } from './trouble.ts';

const TRANSACTION = 1;
const NOBODY: ProducerId = { id: -1n, epoch: -1 };

/** The coordinator is another broker now, or will be in a moment. */
const MOVED = ['NOT_COORDINATOR', 'COORDINATOR_NOT_AVAILABLE', 'COORDINATOR_LOAD_IN_PROGRESS'];
/** Markers of the transaction before are still being written. */
const BUSY = ['CONCURRENT_TRANSACTIONS'];
/** Of requests that mean the same when they come twice. */
const SILENCE = ['NETWORK', 'REQUEST_TIMED_OUT', 'NETWORK_EXCEPTION'];

/** The broker that keeps the state of one transactional id, in the protocol's first version of transactions: all brokers know it. */
export class Coordinator {
  readonly #cluster: Cluster;
  readonly #id: string;
  #broker: Broker | null = null;

  constructor(cluster: Cluster, transactionalId: string) {
    this.#cluster = cluster;
    this.#id = transactionalId;
  }

  /**
   * Takes the id over: fences whoever had it, aborts what that one left open, and waits until what it had begun to commit is committed.
   * With `own` it goes on as that producer under a new epoch, and is fenced where that one was; there must be no open transaction then.
   */
  async init(timeoutMs: number, own: ProducerId = NOBODY): Promise<ProducerId> {
    return await this.#cluster.patiently([...MOVED, ...BUSY], async () => {
      const { producerId, producerEpoch } = await this.#ask((broker) =>
        this.#cluster.ask(broker, initProducerIdV4.api, this.#id, timeoutMs, own.id, own.epoch),
      );
      return { id: producerId, epoch: producerEpoch };
    });
  }

  async addPartitions({ id, epoch }: ProducerId, partitions: ReadonlyMap<string, readonly number[]>): Promise<void> {
    const topics = [...partitions].map(([name, numbers]) => ({ name, partitions: [...numbers] }));
    const transaction = { transactionalId: this.#id, producerId: id, producerEpoch: epoch, verifyOnly: false, topics };
    await this.#cluster.patiently([...MOVED, ...BUSY, ...SILENCE, 'UNKNOWN_TOPIC_OR_PARTITION'], () =>
      this.#ask((broker) => this.#cluster.ask(broker, addPartitionsToTxnV3.api, [transaction])),
    );
  }

  /** May be asked again when no answer came: the second time changes nothing. */
  async end({ id, epoch }: ProducerId, isCommit: boolean): Promise<void> {
    await this.#cluster.patiently([...MOVED, ...BUSY, ...SILENCE], () =>
      this.#ask((broker) => this.#cluster.ask(broker, endTxnV3.api, this.#id, id, epoch, isCommit)),
    );
  }

  async #ask<T>(request: (coordinator: Broker) => Promise<T>): Promise<T> {
    try {
      this.#broker ??= await this.#find();
      return await request(this.#broker);
    } catch (error) {
      if (!BUSY.includes(codeOf(error))) this.#broker = null;
      throw error;
    }
  }

  async #find(): Promise<Broker> {
    const { coordinators } = await this.#cluster.askAny(findCoordinatorV4.api, TRANSACTION, [this.#id]);
    const { host, port } = coordinators[0]!;
    return { host, port };
  }
}
