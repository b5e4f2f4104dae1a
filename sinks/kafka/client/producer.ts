import { BatchMemory } from './batch-memory.ts';
import type { Cluster } from './cluster.ts';
import { Coordinator } from './coordinator.ts';
import { type Compression, type ProducerId, RecordBatch } from './record-batch.ts';
import { Sender } from './sender.ts';
import { KafkaTransaction, type Outlet, TRANSACTION_MS } from './transaction.ts';
import { asTrouble } from './trouble.ts';

export interface ProducerOptions {
  readonly transactionalId: string;
  readonly compression: Compression;
}

/** Writes records in transactions, one behind the other, under an id of which there is one in the world: see coordinator.ts. */
export class TransactionalProducer implements Outlet {
  readonly #cluster: Cluster;
  readonly #options: ProducerOptions;
  readonly #coordinator: Coordinator;
  readonly #memory = new BatchMemory();
  #id: ProducerId;
  #sender: Sender;
  /** When the last transaction that was begun is over. */
  #last: Promise<void> = Promise.resolve();

  private constructor(cluster: Cluster, options: ProducerOptions, coordinator: Coordinator, id: ProducerId) {
    this.#cluster = cluster;
    this.#options = options;
    this.#coordinator = coordinator;
    this.#id = id;
    this.#sender = this.#newSender();
  }

  /** Fences whoever had the id; what that one had not committed is gone, and what it had is there to be read. */
  static async open(cluster: Cluster, options: ProducerOptions): Promise<TransactionalProducer> {
    const coordinator = new Coordinator(cluster, options.transactionalId);
    const id = await asTrouble(() => coordinator.init(TRANSACTION_MS));
    return new TransactionalProducer(cluster, options, coordinator, id);
  }

  /** What is added to it is sent when the transactions before it are over. */
  begin(): KafkaTransaction {
    const over = Promise.withResolvers<void>();
    over.promise.catch(() => {}); // told by what failed
    const transaction = new KafkaTransaction(this, this.#last, over);
    this.#last = over.promise;
    return transaction;
  }

  async addPartitions(partitions: ReadonlyMap<string, readonly number[]>): Promise<void> {
    await asTrouble(() => this.#coordinator.addPartitions(this.#id, partitions));
  }

  newBatch(): RecordBatch {
    return new RecordBatch(this.#memory);
  }

  send(topic: string, partition: number, batch: RecordBatch): void {
    this.#sender.push(topic, partition, batch);
  }

  async sentBelow(bytes: number): Promise<void> {
    await this.#sender.below(bytes);
  }

  async commit(): Promise<void> {
    await asTrouble(() => this.#coordinator.end(this.#id, true));
  }

  /** Goes on under a new epoch: of what was sent some may have arrived, and none of its sequence numbers is used again. */
  async abort(): Promise<void> {
    await this.#sender.drop();
    await asTrouble(async () => {
      await this.#coordinator.end(this.#id, false);
      this.#id = await this.#coordinator.init(TRANSACTION_MS, this.#id);
    });
    this.#sender = this.#newSender();
  }

  #newSender(): Sender {
    const { transactionalId, compression } = this.#options;
    return new Sender(this.#cluster, transactionalId, this.#id, compression);
  }
}
