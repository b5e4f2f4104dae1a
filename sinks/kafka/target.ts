import type { Checkpoint } from '../../src/core/checkpoint.ts';
import type { Comparer } from '../../src/core/comparison.ts';
import { type Finding, ofSink, PgveilError } from '../../src/core/errors.ts';
import type { ClusterIdentity } from '../../src/core/identity.ts';
import type { LeavingTable, Remains, Target } from '../../src/core/target.ts';
import { type CheckParts, checkBrokers, checkTopics } from './check.ts';
import { checkpointTopicOf, readCheckpoint } from './checkpoint-topic.ts';
import { Cluster } from './client/cluster.ts';
import { asTrouble } from './client/trouble.ts';
import { TopicComparer } from './comparison.ts';
import { isReserved } from './format/message-table.ts';
import type { KafkaOptions } from './options.ts';
import { Schemas } from './registry/schemas.ts';
import { KafkaSink } from './sink.ts';
import { topicName } from './topics/topic-name.ts';
import { Topics } from './topics/topics.ts';

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
      findingsOf(name, async () => {
        await this.checkpoint();
        return await this.#look(checkBrokers);
      }),
      findingsOf(`sinks.${name}.registry`, async () => {
        await schemas?.check(new AbortController().signal);
        return [];
      }),
    ]);
    return findings.flat();
  }

  async checkTables(tables: readonly LeavingTable[]): Promise<readonly Finding[]> {
    const found = await Promise.all([this.#look((parts) => checkTopics(parts, tables)), this.#checkSchemas(tables)]);
    return found.flat();
  }

  reserves({ name, withheld }: { readonly name: string; readonly withheld: boolean }): boolean {
    return !withheld && isReserved(name);
  }

  async identity(): Promise<ClusterIdentity | null> {
    const clusterId = await this.#with((cluster) => cluster.id());
    return clusterId === null ? null : { clusterId };
  }

  async checkpoint(): Promise<Checkpoint | null> {
    return await this.#with(async (cluster) => {
      const topic = checkpointTopicOf(this.#options.pipeline);
      return (await cluster.partitions(topic)) === null ? null : await readCheckpoint(cluster, topic);
    });
  }

  comparer(): Comparer {
    return new TopicComparer(this.#options);
  }

  /** The topics that we made, and at last the checkpoint, which says which these are. Topics that were there before are others' own. */
  async remains(): Promise<readonly Remains[]> {
    const { name, pipeline } = this.#options;
    const checkpoint = checkpointTopicOf(pipeline);
    const topics = await this.#with(async (cluster) => {
      if ((await cluster.partitions(checkpoint)) === null) return null;
      return await stillOurs(cluster, (await readCheckpoint(cluster, checkpoint)).made);
    });
    if (!topics) return [];
    return [
      ...topics.map((topic) => ({ what: `topic ${topic} in sink ${name}`, remove: () => this.#delete(topic) })),
      { what: `checkpoint topic ${checkpoint} in sink ${name}`, remove: () => this.#delete(checkpoint) },
    ];
  }

  /** A registry that cannot be asked is a finding of `check`. */
  async #checkSchemas(tables: readonly LeavingTable[]): Promise<Finding[]> {
    const { registry, topic: template, pipeline } = this.#options;
    if (!registry) return [];
    const schemas = new Schemas({ ...this.#options, registry });
    const { signal } = new AbortController();
    const found: Finding[] = [];
    try {
      for (const table of tables) {
        found.push(...(await schemas.findings(table, topicName({ template, pipeline }, table), signal)));
      }
    } catch (error) {
      if (!(error instanceof PgveilError)) throw error;
    }
    return found;
  }

  async #delete(topic: string): Promise<void> {
    await this.#look(({ topics }) => topics.delete(topic));
  }

  async #look<T>(work: (parts: CheckParts) => Promise<T>): Promise<T> {
    return await this.#with(async (cluster) => {
      const topics = new Topics(cluster, this.#options.connection);
      try {
        return await work({ options: this.#options, cluster, topics });
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

/** Those of `look`, or what it throws of ours. */
async function findingsOf(object: string, look: () => Promise<readonly Finding[]>): Promise<readonly Finding[]> {
  try {
    return await look();
  } catch (error) {
    if (!(error instanceof PgveilError)) throw error;
    const { code, message, fix } = error;
    return [{ code, object, message, fix }];
  }
}

/** Of those that we made, the ones that are there, and not made anew by somebody else. */
async function stillOurs(cluster: Cluster, made: ReadonlyMap<string, string>): Promise<string[]> {
  const found: string[] = [];
  for (const [topic, id] of made) {
    await cluster.refresh(topic);
    if (cluster.idOf(topic) === id) found.push(topic);
  }
  return found;
}
