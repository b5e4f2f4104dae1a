import { setTimeout as sleep } from 'node:timers/promises';
import { type Change, nameOf, type RedactedBatch, type TableEvent } from '../../src/core/batch.ts';
import type { Position, TableEntry } from '../../src/core/checkpoint.ts';
import { reach } from '../../src/core/fault.ts';
import type { RedactedTable } from '../../src/core/table.ts';
import { CheckpointTopic, isBehind, type Progress, type Stored } from './checkpoint-topic.ts';
import { Cluster } from './client/cluster.ts';
import { TransactionalProducer } from './client/producer.ts';
import { type KafkaTransaction, TRANSACTION_MS } from './client/transaction.ts';
import { Tombstones } from './compacted/tombstones.ts';
import { Copies } from './copies.ts';
import type { Messages } from './messages.ts';
import { formatOf, type KafkaOptions } from './options.ts';
import type { Schemas } from './registry/schemas.ts';
import { TableMessages } from './table-messages.ts';
import { topicName } from './topics/topic-name.ts';
import { Topics } from './topics/topics.ts';

type Event = TableEvent<'redacted'>;

/** Beyond this it is left to the brokers to abort what is open. */
const CLOSE_MS = 1_000;

interface Parts {
  readonly options: KafkaOptions;
  readonly cluster: Cluster;
  readonly topics: Topics;
  readonly main: TransactionalProducer;
  readonly checkpoint: CheckpointTopic;
  readonly messages: TableMessages;
  readonly tombstones: Tombstones;
  readonly copies: Copies;
  readonly stored: Stored;
  /** Gives up what is asked of a registry. */
  readonly closing: AbortController;
}

/** What lasts from one `open` of the sink to its `close`. */
export class Session {
  readonly #parts: Parts;
  /** Of the stream. What is written goes into it until it is committed. */
  #transaction: KafkaTransaction;
  /** To be durable with it. */
  #entries = new Map<string, TableEntry>();
  #finished: PromiseWithResolvers<boolean>[] = [];
  /** Of the last batch that has one. */
  #position: Position | null;
  /** Behind it, what is durable of a transaction that is not as a whole. */
  #progress: Progress | null;
  /** Behind the position, what was written. */
  #written: Progress | null = null;
  /** By table name: copies that are finished and not durable yet, or were. */
  readonly #swaps = new Map<string, PromiseWithResolvers<boolean>>();
  /** Tables of which a copy began here. */
  readonly #renewed = new Set<string>();
  #committing: Promise<void> = Promise.resolve();

  private constructor(parts: Parts) {
    this.#parts = parts;
    this.#transaction = parts.main.begin();
    this.#position = parts.stored.position;
    this.#progress = parts.stored.progress;
  }

  /** Whoever wrote before is fenced first, and only then it is read what that one left. */
  static async open(options: KafkaOptions, schemas: Schemas | null, signal: AbortSignal): Promise<Session> {
    signal.throwIfAborted();
    const { pipeline, connection, compression } = options;
    const cluster = new Cluster(connection);
    const topics = new Topics(cluster, connection);
    const giveUp = () => void cluster.close();
    signal.addEventListener('abort', giveUp);
    try {
      const checkpoint = await CheckpointTopic.open(cluster, topics, pipeline, options.topics.replicas);
      const transactionalId = `pgveil.${pipeline}`;
      const main = await TransactionalProducer.open(cluster, { transactionalId, compression });
      const producer = { transactionalId: `${transactionalId}.copies`, compression };
      const control = await TransactionalProducer.open(cluster, producer);
      const stored = await checkpoint.read();
      const template = { template: options.topic, pipeline };
      const topicOf = (table: RedactedTable) => topicName(template, table);
      const closing = new AbortController();
      const schemaIdOf =
        schemas && ((table: RedactedTable, topic: string) => schemas.idOf(table, topic, closing.signal));
      const messages = new TableMessages(topics, { ...options, topicOf, format: formatOf(options), schemaIdOf });
      const tombstones = new Tombstones(cluster);
      const parts = { cluster, checkpoint, messages, tombstones };
      const copies = await Copies.open({ ...parts, options: producer }, control, stored.copiers);
      return new Session({ ...parts, options, topics, main, copies, stored, closing });
    } catch (error) {
      await Promise.all([topics.close(), cluster.close()]);
      signal.throwIfAborted(); // which is why it failed
      throw error;
    } finally {
      signal.removeEventListener('abort', giveUp);
    }
  }

  get stored(): Stored {
    return this.#parts.stored;
  }

  async write(batch: RedactedBatch): Promise<void> {
    const { copies } = this.#parts;
    for (const event of batch.events) await this.#handle(event, batch.entries);
    for (const [table, entry] of batch.entries) {
      const last = batch.events.findLast((event) => nameOf(event) === table)?.type;
      if (last === 'copy finished' && !this.#swaps.has(table)) continue; // it was refused: nothing of it is there to be read
      if (last === 'copy started') continue; // it is durable already
      this.#entries.set(table, entry);
    }
    if (batch.chunk) return await copies.read(batch.chunk.table, batch.chunk.number, batch.changes);
    await this.#addAll(batch.changes);
    if (batch.position) this.#position = later(this.#position, batch.position);
    this.#written = batch.position ? null : batch.progress;
    await this.#transaction.relieve();
    if (!batch.position && batch.changes.length > 0) reach('inside a topic transaction');
    if (!batch.position && this.#isTooLarge()) await this.commit(this.#position, batch.progress);
  }

  /** Makes all that was written durable, up to the position, or as far into the transaction behind it. Without a position all is copied anew. */
  async commit(position: Position | null, into: Progress | null): Promise<void> {
    this.#progress = position && progressBehind(position, this.#progress, into);
    this.#position ??= position;
    const [transaction, entries, finished] = [this.#transaction, this.#entries, this.#finished];
    // Before anything is waited for: what is written meanwhile is not part of it.
    this.#transaction = this.#parts.main.begin();
    this.#entries = new Map();
    this.#finished = [];
    this.#parts.checkpoint.add(transaction, { position, progress: this.#progress, entries });
    reach('before the end of topics');
    this.#committing = transaction.commit();
    await this.#committing;
    reach('after the end of topics');
    for (const swap of finished) swap.resolve(true);
  }

  async settled(table: string): Promise<boolean> {
    const swap = this.#swaps.get(table);
    return swap ? await swap.promise : await this.#parts.copies.settled(table);
  }

  async stopCopy(table: string): Promise<void> {
    this.#swaps.get(table)?.resolve(false);
    this.#swaps.delete(table);
    await this.#parts.copies.stop(table);
  }

  /** `reason`: what they are told who wait for something. */
  async close(reason: unknown): Promise<void> {
    for (const { reject } of this.#swaps.values()) reject(reason);
    const { cluster, topics, copies, closing } = this.#parts;
    closing.abort();
    const aborting = Promise.allSettled([this.#transaction.abort(), copies.stopAll()]);
    await Promise.race([aborting, sleep(CLOSE_MS, undefined, { ref: false })]);
    await Promise.allSettled([topics.close(), cluster.close()]);
  }

  /** Nothing is awaited for a change of a table that is known: a promise for each of them takes longer than the rest of this. */
  async #addAll(changes: readonly Change<'redacted'>[]): Promise<void> {
    const { messages } = this.#parts;
    for (const change of changes) {
      if (this.#isThere(change)) continue;
      const known = messages.known(change.table) ?? (await messages.streaming(change.table));
      if (change.op === 'truncate' && known.topic.isCompacted) await this.#forgetAll(known, change);
      known.add(this.#transaction, change);
    }
  }

  /**
   * A compacted topic forgets rows by their keys alone. Only what is committed can be read back, so what the transaction holds is, first,
   * and after a crash it goes on with those keys that are left.
   */
  async #forgetAll(messages: Messages, { transaction, seq }: Change<'redacted'>): Promise<void> {
    const before: Progress = { clsn: transaction.clsn, seq: seq - 1 };
    // A change of a table that catches up is older than what the stream is in the middle of.
    const into = this.#written && isBehind(this.#written, before) ? this.#written : before;
    await this.#commitWritten(into);
    const { tombstones } = this.#parts;
    const forget = async (partition: number, key: Buffer) => {
      messages.forget(this.#transaction, partition, key, transaction, seq);
      await this.#transaction.relieve();
      if (this.#isTooLarge()) await this.commit(this.#position, into);
    };
    await tombstones.forEach(messages.topic, await tombstones.ends(messages.topic), forget);
  }

  async #commitWritten(into: Progress | null): Promise<void> {
    if (this.#transaction.bytes > 0) await this.commit(this.#position, into);
    await this.#committing;
  }

  /** Of a transaction that was committed in parts: sent once more, and the first parts of it are durable. A newer copy has none. */
  #isThere({ transaction, seq, table }: Change<'redacted'>): boolean {
    const { progress, tables } = this.#parts.stored;
    if (!progress || isBehind({ clsn: transaction.clsn, seq }, progress)) return false;
    return tables.has(table.name) && !this.#renewed.has(table.name);
  }

  /** Without a position before it there is nothing to resume from. */
  #isTooLarge(): boolean {
    const { bytes, ageMs } = this.#transaction;
    return this.#position !== null && (bytes > this.#parts.options.split || ageMs > TRANSACTION_MS / 2);
  }

  async #handle(event: Event, entries: ReadonlyMap<string, TableEntry>): Promise<void> {
    const { copies } = this.#parts;
    switch (event.type) {
      case 'copy started': {
        const { name } = event.table;
        await this.stopCopy(name);
        this.#renewed.add(name);
        // What is older is not to be durable later: neither changes, which belong before the copy in their topic, nor the entry.
        await this.#commitWritten(this.#written);
        this.#entries.delete(name);
        await copies.note(name, entries.get(name)!);
        return await copies.start(event.table, event.lsn);
      }
      case 'chunk finished':
        return await copies.finishChunk(event.table.name, event.chunk);
      case 'chunk abandoned':
        return await copies.abandonChunk(event.table.name, event.chunk);
      case 'copy finished':
        return await this.#finish(event.table.name);
      case 'stopped':
        return await this.stopCopy(event.name);
      case 'defined': // a message is of one definition, by itself
        return;
      case 'copy read': // all chunks are committed
        return copies.forget(event.table.name);
    }
  }

  async #finish(table: string): Promise<void> {
    const { copies } = this.#parts;
    if (!copies.of(table)) return; // it was refused
    const swap = Promise.withResolvers<boolean>();
    swap.promise.catch(() => {}); // told by `settled`
    this.#swaps.set(table, swap);
    this.#finished.push(swap);
    await copies.finish(table, this.#transaction);
  }
}

/** What is sent once more may pass positions that lie before a transaction of which a part is durable: that is not to be forgotten. */
function progressBehind({ pos }: Position, durable: Progress | null, into: Progress | null): Progress | null {
  const last = !durable || (into && isBehind(into, durable)) ? into : durable;
  return last && last.clsn >= pos ? last : null;
}

/** Of what is sent once more, to a sink that holds more than others, the position is none to go back to. */
function later(position: Position | null, next: Position): Position {
  return position && position.pos > next.pos ? position : next;
}
