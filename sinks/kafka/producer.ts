import { PgveilError } from '../../src/core/errors.ts';
import type { Cluster } from './cluster.ts';
import { Coordinator } from './coordinator.ts';
import { place } from './produce-request.ts';
import {
  BATCH_HEAD_BYTES,
  type Bytes,
  type Compression,
  type ProducerId,
  RecordBatch,
  recordSize,
} from './record-batch.ts';
import { Sender } from './sender.ts';
import { asTrouble } from './trouble.ts';

/** Brokers abort a transaction that is open for longer. */
export const TRANSACTION_MS = 60_000;

/** A batch is sent from this size on: Kafka's own default limit is 1 MB, and one record may be larger than this. */
const BATCH_BYTES = 512 * 1024;
/** Of all partitions together, in batches that still grow. */
const GROWING_BYTES = 8 * 1024 * 1024;
/** What may wait for an answer before whoever writes has to wait, too. */
const WAITING_BYTES = 8 * 1024 * 1024;

export interface ProducerOptions {
  readonly transactionalId: string;
  readonly compression: Compression;
}

/** Writes records in transactions, one behind the other, under an id of which there is one in the world: see coordinator.ts. */
export class TransactionalProducer {
  readonly #cluster: Cluster;
  readonly #options: ProducerOptions;
  readonly #coordinator: Coordinator;
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

  /** For a transaction whose turn it is. */
  async addPartitions(partitions: ReadonlyMap<string, readonly number[]>): Promise<void> {
    await asTrouble(() => this.#coordinator.addPartitions(this.#id, partitions));
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

/** Records that become visible together, or not at all. After a rejection it and its producer are of no use. */
export class KafkaTransaction {
  readonly #producer: TransactionalProducer;
  readonly #turn: Promise<void>;
  readonly #over: PromiseWithResolvers<void>;
  /** By partition. */
  readonly #growing = new Map<string, { topic: string; partition: number; batch: RecordBatch }>();
  #growingBytes = 0;
  #closed: { topic: string; partition: number; batch: RecordBatch }[] = [];
  #closedBytes = 0;
  readonly #added = new Set<string>();
  /** Of `performance.now()`, once the broker knows of it. */
  #begun: number | null = null;
  #bytes = 0;

  constructor(producer: TransactionalProducer, turn: Promise<void>, over: PromiseWithResolvers<void>) {
    this.#producer = producer;
    this.#turn = turn;
    this.#over = over;
  }

  /** Of all records so far. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Since the broker knows of it; after TRANSACTION_MS it aborts it. */
  get ageMs(): number {
    return this.#begun === null ? 0 : performance.now() - this.#begun;
  }

  add(topic: string, partition: number, key: Bytes, value: Bytes | null, headers: Bytes): void {
    const at = place(topic, partition);
    const size = recordSize(key, value, headers);
    let growing = this.#growing.get(at);
    if (growing && growing.batch.bytes + size > BATCH_BYTES) {
      this.#close(at);
      growing = undefined;
    }
    if (!growing) {
      growing = { topic, partition, batch: new RecordBatch() };
      this.#growing.set(at, growing);
      this.#growingBytes += BATCH_HEAD_BYTES;
    }
    const before = growing.batch.bytes;
    growing.batch.add(key, value, headers);
    const grown = growing.batch.bytes - before;
    this.#bytes += grown;
    this.#growingBytes += grown;
  }

  /** Sends what there is much of, and waits until memory is within its bounds. */
  async relieve(): Promise<void> {
    if (this.#growingBytes > GROWING_BYTES) this.#closeAll();
    if (this.#closedBytes < WAITING_BYTES && this.#begun === null) return;
    await this.#orTooSlow(async () => {
      await this.#send();
      await this.#producer.sentBelow(WAITING_BYTES);
    });
  }

  async commit(): Promise<void> {
    this.#closeAll();
    await this.#end(async () => {
      await this.#send();
      await this.#producer.sentBelow(0);
      if (this.#begun !== null) await this.#producer.commit();
    });
  }

  async abort(): Promise<void> {
    await this.#end(async () => {
      if (this.#begun !== null) await this.#producer.abort();
    });
  }

  async #end(work: () => Promise<void>): Promise<void> {
    try {
      await this.#turn;
      await this.#orTooSlow(work);
      this.#over.resolve();
    } catch (error) {
      this.#over.reject(error);
      throw error;
    }
  }

  /** A transaction that took too long is refused in the same words as one of an instance that was overtaken. */
  async #orTooSlow(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      const isFenced = error instanceof PgveilError && error.code === 'fenced';
      if (!isFenced || this.ageMs < TRANSACTION_MS) throw error;
      throw new PgveilError('kafka_away', `a transaction took ${Math.round(this.ageMs / 1000)} s`);
    }
  }

  #closeAll(): void {
    for (const at of [...this.#growing.keys()]) this.#close(at);
  }

  #close(at: string): void {
    const closed = this.#growing.get(at)!;
    this.#growing.delete(at);
    this.#growingBytes -= closed.batch.bytes;
    this.#closed.push(closed);
    this.#closedBytes += closed.batch.bytes;
  }

  async #send(): Promise<void> {
    const closed = this.#closed;
    if (closed.length === 0) return;
    this.#closed = [];
    this.#closedBytes = 0;
    await this.#turn;
    const added = new Map<string, number[]>();
    for (const { topic, partition } of closed) {
      if (this.#added.has(place(topic, partition))) continue;
      this.#added.add(place(topic, partition));
      added.set(topic, [...(added.get(topic) ?? []), partition]);
    }
    this.#begun ??= performance.now();
    if (added.size > 0) await this.#producer.addPartitions(added);
    for (const { topic, partition, batch } of closed) this.#producer.send(topic, partition, batch);
  }
}
