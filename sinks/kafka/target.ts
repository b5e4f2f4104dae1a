import type { Checkpoint } from '../../src/core/checkpoint.ts';
import type { Comparison } from '../../src/core/comparison.ts';
import { type Finding, ofSink, PgveilError } from '../../src/core/errors.ts';
import type { RedactedTable } from '../../src/core/table.ts';
import type { Remains, Target } from '../../src/core/target.ts';
import { checkpointTopicOf, readCheckpoint } from './checkpoint-topic.ts';
import { Cluster } from './client/cluster.ts';
import { asTrouble } from './client/trouble.ts';
import { TopicComparison } from './comparison.ts';
import { isReserved } from './format/message-table.ts';
import type { KafkaOptions } from './options.ts';
import { Schemas } from './registry/schemas.ts';
import { KafkaSink } from './sink.ts';
import { Topics } from './topics.ts';

/** Kafka as the commands see it. */
export class KafkaTarget implements Target {
  readonly #options: KafkaOptions;

  constructor(options: KafkaOptions) {
    this.#options = options;
  }

  sink(): KafkaSink {
    return new KafkaSink(this.#options);
  }

  async check(): Promise<readonly Finding[]> {
    const { name, registry } = this.#options;
    const schemas = registry && new Schemas({ ...this.#options, registry });
    const findings = await Promise.all([
      findingsOf(name, () => this.checkpoint()),
      findingsOf(`sinks.${name}.registry`, async () => schemas?.check(new AbortController().signal)),
    ]);
    return findings.flat();
  }

  reserves({ name, withheld }: { readonly name: string; readonly withheld: boolean }): boolean {
    return !withheld && isReserved(name);
  }

  async identity(): Promise<null> {
    return null;
  }

  async checkpoint(): Promise<Checkpoint | null> {
    return await this.#with(async (cluster) => {
      const topic = checkpointTopicOf(this.#options.pipeline);
      return (await cluster.partitions(topic)) === null ? null : await readCheckpoint(cluster, topic);
    });
  }

  comparison(table: RedactedTable): Comparison | string {
    if (this.#options.registry?.format === 'avro') return 'messages in Avro cannot be compared yet';
    return new TopicComparison(this.#options, table);
  }

  /** The checkpoint alone: others may read the topics, and may have made them. */
  async remains(): Promise<readonly Remains[]> {
    const { name, pipeline } = this.#options;
    const topic = checkpointTopicOf(pipeline);
    if ((await this.#with((cluster) => cluster.partitions(topic))) === null) return [];
    return [{ what: `checkpoint topic ${topic} in sink ${name}`, remove: () => this.#delete(topic) }];
  }

  async #delete(topic: string): Promise<void> {
    await this.#with(async (cluster) => {
      const topics = new Topics(cluster, this.#options.connection);
      try {
        await topics.delete(topic);
      } finally {
        await topics.close();
      }
    });
  }

  async #with<T>(work: (cluster: Cluster) => Promise<T>): Promise<T> {
    const cluster = new Cluster(this.#options.connection);
    try {
      return await asTrouble(() => work(cluster));
    } catch (error) {
      throw ofSink(this.#options.name, error);
    } finally {
      await cluster.close();
    }
  }
}

/** What `look` throws of ours. */
async function findingsOf(object: string, look: () => Promise<unknown>): Promise<Finding[]> {
  try {
    await look();
    return [];
  } catch (error) {
    if (!(error instanceof PgveilError)) throw error;
    const { code, message, fix } = error;
    return [{ code, object, message, fix }];
  }
}
