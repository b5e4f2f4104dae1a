import type { Change, Transaction } from '../../src/core/batch.ts';
import { type TableEntry, unfinished } from '../../src/core/checkpoint.ts';
import { reach } from '../../src/core/fault.ts';
import type { Lsn } from '../../src/core/lsn.ts';
import { postgresMicros } from '../../src/core/postgres-time.ts';
import type { RedactedTable } from '../../src/core/table.ts';
import type { CheckpointTopic } from './checkpoint-topic.ts';
import type { Cluster } from './client/cluster.ts';
import { type ProducerOptions, TransactionalProducer } from './client/producer.ts';
import { type KafkaTransaction, TRANSACTION_MS } from './client/transaction.ts';
import type { Ends, Tombstones } from './compacted/tombstones.ts';
import type { Marker } from './format/event.ts';
import type { TableMessages } from './table-messages.ts';

/** Rows of one chunk: visible when it is finished, and gone when it is abandoned. */
interface Chunk {
  readonly copier: TransactionalProducer;
  readonly transaction: KafkaTransaction;
}

interface Copy {
  readonly table: RedactedTable;
  readonly lsn: Lsn;
  readonly chunks: Map<number, Chunk>;
  /** Of a compacted topic: where the records before the copy end. */
  readonly ends: Ends | null;
  readonly stopped: AbortController;
  /** That the topic forgets the keys that the copy did not bring. */
  forgetting: Promise<void>;
}

/**
 * Copies under way. What one reads is committed chunk by chunk, beside the stream's transactions, so each chunk that is open at a time has a
 * transactional id; how many there ever were is in the checkpoint, so that whoever takes over can fence them all.
 */
export class Copies {
  readonly #cluster: Cluster;
  readonly #options: ProducerOptions;
  readonly #checkpoint: CheckpointTopic;
  readonly #messages: TableMessages;
  readonly #tombstones: Tombstones;
  /** For what concerns a copy as a whole, and the stream not at all. */
  readonly #control: TransactionalProducer;
  readonly #free: TransactionalProducer[];
  #copiers: number;
  /** By table name. */
  readonly #copies = new Map<string, Copy>();

  private constructor(parts: CopiesParts, control: TransactionalProducer, copiers: readonly TransactionalProducer[]) {
    this.#cluster = parts.cluster;
    this.#options = parts.options;
    this.#checkpoint = parts.checkpoint;
    this.#messages = parts.messages;
    this.#tombstones = parts.tombstones;
    this.#control = control;
    this.#free = [...copiers];
    this.#copiers = copiers.length;
  }

  /** Fences all chunks of the instance before. `control` is open already: no more of them come. */
  static async open(parts: CopiesParts, control: TransactionalProducer, copiers: number): Promise<Copies> {
    const opening = Array.from({ length: copiers }, (_, number) => openCopier(parts, number));
    return new Copies(parts, control, await Promise.all(opening));
  }

  of(table: string): RedactedTable | null {
    return this.#copies.get(table)?.table ?? null;
  }

  /** A generation's number is durable before anything of it is made, and a start does not take for finished what has only begun. */
  async note(table: string, entry: TableEntry): Promise<void> {
    const entries = new Map([[table, unfinished(entry)]]);
    const transaction = this.#control.begin();
    this.#checkpoint.add(transaction, { position: null, progress: null, entries });
    await transaction.commit();
    reach('topic copy noted');
  }

  /** Throws what speaks against the table. */
  async start(table: RedactedTable, lsn: Lsn): Promise<void> {
    const messages = await this.#messages.copied(table);
    const { topic } = messages;
    const ends = topic.isCompacted ? await this.#tombstones.ends(topic) : null;
    const transaction = this.#control.begin();
    const made = this.#messages.takeMade(topic);
    if (made) this.#checkpoint.addMade(transaction, topic.name, made);
    messages.mark(transaction, marker('copy_begin', lsn));
    await transaction.commit();
    const [stopped, forgetting] = [new AbortController(), Promise.resolve()];
    this.#copies.set(table.name, { table, lsn, chunks: new Map(), ends, stopped, forgetting });
  }

  async read(table: RedactedTable, number: number, reads: readonly Change<'redacted'>[]): Promise<void> {
    const copy = this.#copies.get(table.name);
    if (!copy) return; // it was stopped
    let chunk = copy.chunks.get(number);
    if (!chunk) {
      const copier = this.#free.pop() ?? (await this.#newCopier());
      chunk = { copier, transaction: copier.begin() };
      copy.chunks.set(number, chunk);
    }
    const messages = await this.#messages.copied(table);
    for (const read of reads) messages.add(chunk.transaction, read);
    await chunk.transaction.relieve();
    reach('inside a topic chunk');
  }

  async finishChunk(table: string, number: number): Promise<void> {
    const chunk = this.#take(table, number);
    if (!chunk) return; // it had no rows
    await chunk.transaction.commit();
    reach('topic chunk ended');
    this.#free.push(chunk.copier);
  }

  async abandonChunk(table: string, number: number): Promise<void> {
    const chunk = this.#take(table, number);
    if (!chunk) return;
    await chunk.transaction.abort();
    this.#free.push(chunk.copier);
  }

  /** All of it was read. No change of this generation has come yet: a key that no chunk brought is gone, whatever the stream has next. */
  forget(table: string): void {
    const copy = this.#copies.get(table);
    if (!copy?.ends) return;
    copy.forgetting = this.#forget(copy, copy.ends);
    copy.forgetting.catch(() => {}); // told by `settled`
  }

  /** Resolves when all that the copy set going is done; false where it was stopped. */
  async settled(table: string): Promise<boolean> {
    const copy = this.#copies.get(table);
    await copy?.forgetting;
    return copy !== undefined && !copy.stopped.signal.aborted;
  }

  /** Behind all that the copy brought, with whatever else the transaction holds. */
  async finish(table: string, to: KafkaTransaction): Promise<void> {
    const copy = this.#copies.get(table)!;
    (await this.#messages.copied(copy.table)).mark(to, marker('copy_end', copy.lsn));
    this.#copies.delete(table);
  }

  async stop(table: string): Promise<void> {
    const copy = this.#copies.get(table);
    if (!copy) return;
    copy.stopped.abort();
    for (const number of [...copy.chunks.keys()]) await this.abandonChunk(table, number);
    await copy.forgetting;
    this.#copies.delete(table);
  }

  async stopAll(): Promise<void> {
    await Promise.all([...this.#copies.keys()].map((table) => this.stop(table)));
  }

  /**
   * In transactions of its own: a crash between two of them has the table copied anew, and what is left then is found again. The keys
   * are gone on the source, so no reader learns anything untrue before the copy ends.
   */
  async #forget({ table, lsn, stopped: { signal } }: Copy, ends: Ends): Promise<void> {
    const messages = await this.#messages.copied(table);
    const copier = this.#free.pop() ?? (await this.#newCopier());
    const copied = copiedAt(lsn);
    let transaction = copier.begin();
    const forget = async (partition: number, key: Buffer) => {
      messages.forget(transaction, partition, key, copied, 0);
      await transaction.relieve();
      if (transaction.ageMs < TRANSACTION_MS / 2) return;
      await transaction.commit();
      transaction = copier.begin();
    };
    try {
      await this.#tombstones.forEach(messages.topic, ends, forget, signal);
      await transaction.commit();
    } catch (error) {
      if (!signal.aborted) throw error;
      await transaction.abort();
    }
    reach('topic keys forgotten');
    this.#free.push(copier);
  }

  #take(table: string, number: number): Chunk | undefined {
    const chunks = this.#copies.get(table)?.chunks;
    const chunk = chunks?.get(number);
    chunks?.delete(number);
    return chunk;
  }

  async #newCopier(): Promise<TransactionalProducer> {
    const number = this.#copiers++;
    const transaction = this.#control.begin();
    this.#checkpoint.addCopiers(transaction, this.#copiers);
    await transaction.commit();
    return await openCopier({ cluster: this.#cluster, options: this.#options }, number);
  }
}

export interface CopiesParts {
  readonly cluster: Cluster;
  /** Of the control producer: the chunks' ids follow from its own. */
  readonly options: ProducerOptions;
  readonly checkpoint: CheckpointTopic;
  readonly messages: TableMessages;
  readonly tombstones: Tombstones;
}

async function openCopier({ cluster, options }: Pick<CopiesParts, 'cluster' | 'options'>, number: number) {
  const transactionalId = `${options.transactionalId}.${number}`;
  return await TransactionalProducer.open(cluster, { ...options, transactionalId });
}

function marker(op: 'copy_begin' | 'copy_end', lsn: Lsn): Marker {
  return { op, transaction: copiedAt(lsn), seq: 0 };
}

function copiedAt(lsn: Lsn): Transaction {
  return { clsn: lsn, xid: null, commitTime: postgresMicros(Date.now()) };
}
