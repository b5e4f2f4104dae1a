import { PgveilError } from '../../../src/core/errors.ts';
import { place } from './produce-request.ts';
import { type Bytes, type RecordBatch, recordSize } from './record-batch.ts';

/** Brokers abort a transaction that is open for longer. */
export const TRANSACTION_MS = 60_000;

/** A batch is sent from this size on: Kafka's own default limit is 1 MB, and one record may be larger than this. */
const BATCH_BYTES = 512 * 1024;
/** Of all partitions together, in batches that still grow. */
const GROWING_BYTES = 8 * 1024 * 1024;
/** What may wait for an answer before whoever writes has to wait, too. */
const WAITING_BYTES = 8 * 1024 * 1024;

/** What a transaction needs of its producer, and asks for when it is its turn. */
export interface Outlet {
  newBatch(): RecordBatch;
  addPartitions(partitions: ReadonlyMap<string, readonly number[]>): Promise<void>;
  send(topic: string, partition: number, batch: RecordBatch): void;
  /** Resolves when less than so much waits for an answer. */
  sentBelow(bytes: number): Promise<void>;
  commit(): Promise<void>;
  abort(): Promise<void>;
}

/** Records that become visible together, or not at all. After a rejection it and its producer are of no use. */
export class KafkaTransaction {
  readonly #producer: Outlet;
  readonly #turn: Promise<void>;
  readonly #over: PromiseWithResolvers<void>;
  /** By topic and partition. */
  readonly #growing = new Map<string, (RecordBatch | undefined)[]>();
  #growingBytes = 0;
  #closed: { topic: string; partition: number; batch: RecordBatch }[] = [];
  #closedBytes = 0;
  #sending: Promise<void> = Promise.resolve();
  readonly #added = new Set<string>();
  /** Of `performance.now()`, once the broker knows of it. */
  #begun: number | null = null;
  #bytes = 0;

  constructor(producer: Outlet, turn: Promise<void>, over: PromiseWithResolvers<void>) {
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

  /** `limit`: bytes that a batch of the topic may have. */
  add(topic: string, partition: number, key: Bytes, value: Bytes | null, headers: Bytes, limit = BATCH_BYTES): void {
    const batch = this.#batchFor(topic, partition, recordSize(key, value, headers), Math.min(limit, BATCH_BYTES));
    const before = batch.bytes;
    batch.add(key, value, headers);
    const grown = batch.bytes - before;
    this.#bytes += grown;
    this.#growingBytes += grown;
  }

  /** One that has room for `size` bytes more, or is new. */
  #batchFor(topic: string, partition: number, size: number, most: number): RecordBatch {
    const batches = this.#batchesOf(topic);
    const growing = batches[partition];
    if (growing && growing.bytes + size <= most) return growing;
    if (growing) this.#close(topic, partition, growing);
    const batch = this.#producer.newBatch();
    batches[partition] = batch;
    this.#growingBytes += batch.bytes;
    return batch;
  }

  #batchesOf(topic: string): (RecordBatch | undefined)[] {
    let batches = this.#growing.get(topic);
    if (!batches) {
      batches = [];
      this.#growing.set(topic, batches);
    }
    return batches;
  }

  /** Starts to send what is large enough, and waits where too much waits already. */
  async relieve(): Promise<void> {
    if (this.#growingBytes > GROWING_BYTES) this.#closeAll();
    if (this.#closed.length > 0) this.#startSending();
    await this.#orTooSlow(async () => {
      if (this.#closedBytes > WAITING_BYTES) await this.#sending;
      await this.#producer.sentBelow(WAITING_BYTES);
    });
  }

  async commit(): Promise<void> {
    this.#closeAll();
    this.#startSending();
    await this.#end(async () => {
      await this.#sending;
      await this.#producer.sentBelow(0);
      if (this.#begun !== null) await this.#producer.commit();
    });
  }

  async abort(): Promise<void> {
    await this.#end(async () => {
      await this.#sending;
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
    for (const [topic, batches] of this.#growing) {
      for (const [partition, batch] of batches.entries()) if (batch) this.#close(topic, partition, batch);
    }
    this.#growing.clear();
  }

  #close(topic: string, partition: number, batch: RecordBatch): void {
    this.#growingBytes -= batch.bytes;
    this.#closed.push({ topic, partition, batch });
    this.#closedBytes += batch.bytes;
  }

  /** Beside whoever writes on: transactions before this one may not be over yet. */
  #startSending(): void {
    this.#sending = this.#sending.then(() => this.#send());
    this.#sending.catch(() => {}); // told by whatever comes next
  }

  async #send(): Promise<void> {
    await this.#turn;
    const closed = this.#closed;
    if (closed.length === 0) return;
    this.#closed = [];
    this.#closedBytes = 0;
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
