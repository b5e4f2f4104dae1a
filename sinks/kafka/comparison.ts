import { ByteWriter } from '../../src/core/bytes.ts';
import type { Checkpoint } from '../../src/core/checkpoint.ts';
import { type Comparer, type Comparison, type Holding, READ, REST_MS } from '../../src/core/comparison.ts';
import { DigestWriter } from '../../src/core/digest.ts';
import { ofSink } from '../../src/core/errors.ts';
import { KeyText } from '../../src/core/key-text.ts';
import type { RedactedTable } from '../../src/core/table.ts';
import type { Tuple } from '../../src/core/tuple.ts';
import { checkpointTopicOf, readCheckpoint } from './checkpoint-topic.ts';
import { Cluster } from './client/cluster.ts';
import { readCommitted } from './client/committed.ts';
import { asTrouble, trouble } from './client/trouble.ts';
import type { Format } from './format/event.ts';
import { formatOf, type KafkaOptions } from './options.ts';
import { topicName } from './topics/topic-name.ts';
import { RowReader } from './verify/row-hashes.ts';
import { KEY_SPACE, TopicFold } from './verify/topic-fold.ts';

/** One connection to the cluster for all topics. */
export class TopicComparer implements Comparer {
  readonly cluster: Cluster;
  readonly #options: KafkaOptions;

  constructor(options: KafkaOptions) {
    this.#options = options;
    this.cluster = new Cluster(options.connection);
  }

  async checkpoint(): Promise<Checkpoint | null> {
    return await this.asked(async () => {
      const topic = checkpointTopicOf(this.#options.pipeline);
      return (await this.cluster.partitions(topic)) === null ? null : await readCheckpoint(this.cluster, topic);
    });
  }

  of(table: RedactedTable): Comparison | string {
    if (this.#options.registry?.format === 'avro') return 'messages in Avro cannot be compared yet';
    return new TopicComparison(this.#options, table, this);
  }

  async asked<T>(ask: () => Promise<T>): Promise<T> {
    try {
      return await asTrouble(ask);
    } catch (error) {
      throw ofSink(this.#options.name, error);
    }
  }

  async close(): Promise<void> {
    await this.cluster.close();
  }
}

/** Rows as messages, and what a topic amounts to: see TopicFold. */
class TopicComparison implements Comparison {
  readonly restMs = REST_MS;
  readonly #options: KafkaOptions;
  readonly #table: RedactedTable;
  readonly #topics: TopicComparer;
  readonly #format: Format;
  readonly #reader: RowReader;
  readonly #key: KeyText;
  readonly #value = new ByteWriter();

  constructor(options: KafkaOptions, table: RedactedTable, topics: TopicComparer) {
    this.#options = options;
    this.#table = table;
    this.#topics = topics;
    this.#format = formatOf(options)(table, null);
    this.#reader = new RowReader(table, options.format);
    this.#key = new KeyText(table, false);
  }

  async expect(rows: readonly Tuple<'redacted'>[]): Promise<Buffer> {
    const digests = new DigestWriter();
    const [key, out] = [this.#key, this.#value];
    for (const after of rows) {
      key.find(after);
      out.clear();
      const read = { op: 'r', transaction: READ, seq: 0, previousKey: null, before: null, beforeIs: 'key' } as const;
      this.#format.row(out, { ...read, key, after });
      const text = key.bytes.subarray(key.start, key.end);
      digests.add(text, Buffer.concat([text, this.#reader.read(out.view(), null).bytes]));
    }
    return digests.take();
  }

  async look(): Promise<Holding> {
    const checkpoint = await this.#topics.checkpoint();
    return { checkpoint, rows: () => this.#rows(), close: async () => {} };
  }

  /** Of all partitions: each holds the whole past of its keys. What comes in meanwhile may be among it. */
  async *#rows(): AsyncGenerator<Buffer> {
    const topic = topicName({ template: this.#options.topic, pipeline: this.#options.pipeline }, this.#table);
    const partitions = (await this.#topics.asked(() => this.#topics.cluster.partitions(topic))) ?? 0;
    try {
      for (let partition = 0; partition < partitions; partition++) {
        for (let from = 0; from < KEY_SPACE; ) {
          const fold = new TopicFold(this.#reader, from);
          for await (const record of readCommitted(this.#topics.cluster, topic, partition)) fold.take(record);
          yield* fold.digests();
          from = fold.to;
        }
      }
    } catch (error) {
      throw ofSink(this.#options.name, trouble(error));
    }
  }
}
