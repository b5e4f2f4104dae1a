import type { Change, Transaction } from '../../src/core/batch.ts';
import { ByteWriter } from '../../src/core/bytes.ts';
import { PgveilError } from '../../src/core/errors.ts';
import { KeyText } from '../../src/core/key-text.ts';
import type { RedactedTable } from '../../src/core/table.ts';
import { partitionOf } from './client/partition.ts';
import { BATCH_HEAD_BYTES, type Bytes, recordSize } from './client/record-batch.ts';
import type { KafkaTransaction } from './client/transaction.ts';
import { type Format, type Marker, markerKey, type RowEvent, type RowOp } from './format/event.ts';
import { Headers } from './format/headers.ts';
import type { Topic } from './topics/topics.ts';

/** Bytes: the text of a float has up to 24, and Avro writes it in 8. */
const MOST_SAVED = 16;

/** Makes messages of one table's changes. */
export class Messages {
  readonly #table: RedactedTable;
  readonly topic: Topic;
  readonly #format: Format;
  readonly #headers: Headers;
  readonly #key: KeyText;
  readonly #oldKey: KeyText;
  readonly #value = new ByteWriter(4096);

  constructor(table: RedactedTable, topic: Topic, format: Format) {
    this.#table = table;
    this.topic = topic;
    this.#format = format;
    this.#headers = new Headers(table);
    this.#key = new KeyText(table, false);
    this.#oldKey = new KeyText(table, false);
  }

  /** Throws `message_too_large`, and `row_missing` where the source did not send the key. */
  add(to: KafkaTransaction, change: Change<'redacted'>): void {
    const { op, transaction, seq, before, after } = change;
    if (op === 'truncate') this.mark(to, { op: 't', transaction, seq });
    else if (op === 'read') this.#row(to, eventOf('r', this.#read(this.#key, after!), change));
    else if (op === 'insert') this.#row(to, eventOf('c', this.#read(this.#key, after!), change));
    else if (op === 'delete') this.#delete(to, eventOf('d', this.#read(this.#key, before!), change));
    else this.#update(to, change);
  }

  /** One record to every partition: each can be read without the others. */
  mark(to: KafkaTransaction, marker: Marker): void {
    const out = this.#value;
    out.clear();
    const value = this.#format.marker(out, marker) ? { bytes: out.bytes, start: 0, end: out.length } : null;
    const key = whole(markerKey(marker.op));
    const headers = this.#headers.of(marker.op, marker.transaction, marker.seq);
    const { name, partitions, maxMessageBytes } = this.topic;
    for (let partition = 0; partition < partitions; partition++) {
      to.add(name, partition, key, value, headers, maxMessageBytes);
    }
  }

  /** A tombstone for a key that is gone without an event of its own, in the partition that it was found in: there may be more by now. */
  forget(to: KafkaTransaction, partition: number, key: Buffer, transaction: Transaction, seq: number): void {
    const { name, maxMessageBytes } = this.topic;
    to.add(name, partition, whole(key), null, this.#headers.of('d', transaction, seq), maxMessageBytes);
  }

  /** A row that gets another key is one that goes and one that comes. */
  #update(to: KafkaTransaction, change: Change<'redacted'>): void {
    const { before, after } = change;
    const key = this.#read(this.#key, after!, before);
    const old = before && this.#read(this.#oldKey, before);
    if (!old || isEqual(old, key)) {
      this.#row(to, eventOf('u', key, change));
      return;
    }
    this.#delete(to, { ...eventOf('d', old, change), after: null });
    this.#row(to, { ...eventOf('c', key, change), previousKey: old });
  }

  /** The event, and a tombstone behind it: by that a compacted topic forgets the key. */
  #delete(to: KafkaTransaction, event: RowEvent): void {
    this.#row(to, event);
    this.#send(to, event, null);
  }

  #row(to: KafkaTransaction, event: RowEvent): void {
    this.#assertMayFit(event);
    const out = this.#value;
    out.clear();
    this.#format.row(out, event);
    this.#send(to, event, { bytes: out.bytes, start: 0, end: out.length });
  }

  /** Before memory is taken for it: in no format is a value much shorter than its text, which in a tuple has five bytes before it. */
  #assertMayFit({ before, after }: RowEvent): void {
    const image = after ?? before!;
    const least = image.end - image.start - (5 + MOST_SAVED) * (this.#table.columns.length + 1);
    if (least > this.topic.maxMessageBytes) throw this.#tooLarge();
  }

  #send(to: KafkaTransaction, { op, transaction, seq, key }: RowEvent, value: Bytes | null): void {
    const { name, partitions, maxMessageBytes } = this.topic;
    const headers = this.#headers.of(op, transaction, seq);
    if (BATCH_HEAD_BYTES + recordSize(key, value, headers) > maxMessageBytes) throw this.#tooLarge();
    const partition = partitionOf(key.bytes, key.start, key.end, partitions);
    to.add(name, partition, key, value, headers, maxMessageBytes);
  }

  #read(key: KeyText, image: RowEvent['after'] & {}, older: RowEvent['after'] = null): Bytes {
    key.find(image, older);
    if (!key.isKnown) throw new PgveilError('row_missing', 'a key was not sent', { table: this.#table.name });
    return key;
  }

  #tooLarge(): PgveilError {
    const { name, maxMessageBytes } = this.topic;
    const message = `a row of ${this.#table.name} is larger than the ${maxMessageBytes} bytes that the topic ${name} takes`;
    return new PgveilError('message_too_large', message, { table: this.#table.name });
  }
}

/** Made in one go: to spread an object into each row's took a twentieth of a message's time. */
function eventOf(op: RowOp, key: Bytes, { transaction, seq, before, beforeIs, after }: Change<'redacted'>): RowEvent {
  return { op, transaction, seq, key, previousKey: null, before, beforeIs, after };
}

function whole(bytes: Buffer): Bytes {
  return { bytes, start: 0, end: bytes.length };
}

function isEqual(a: Bytes, b: Bytes): boolean {
  return a.bytes.compare(b.bytes, b.start, b.end, a.start, a.end) === 0;
}
