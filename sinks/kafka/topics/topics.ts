import { Admin, ConfigResourceTypes } from '@platformatic/kafka';
import type { KafkaConnection, TopicConfig } from '../../../config/config.ts';
import { PgveilError } from '../../../src/core/errors.ts';
import type { Cluster } from '../client/cluster.ts';
import { connectionOptions } from '../client/connection-options.ts';
import { codeOf } from '../client/trouble.ts';

export interface Topic {
  readonly name: string;
  readonly partitions: number;
  /** Of one batch, compressed or not. */
  readonly maxMessageBytes: number;
  /** It forgets all records of a key but the last; a truncate, or a row that a new copy does not bring, it learns by tombstones alone. */
  readonly isCompacted: boolean;
}

/** What it is written to. */
interface Durability {
  readonly replicas: number;
  /** That have to have a record before it is acknowledged. */
  readonly leastReplicas: number;
}

/** What brokers do where nothing else is said. */
export interface BrokerDefaults extends Durability, Pick<Topic, 'maxMessageBytes' | 'isCompacted'> {
  /** The longest time that a transaction may be open. */
  readonly transactionMs: number;
}

/** What a person runs to have a topic so. */
export function configCommand(topic: string, config: string): string {
  return `kafka-configs.sh --alter --entity-type topics --entity-name ${topic} --add-config ${config}`;
}

/** Makes topics, and looks at those that are there. */
export class Topics {
  readonly #cluster: Cluster;
  readonly #admin: Admin;
  readonly #known = new Map<string, Promise<Topic>>();
  /** The id of each that was made here, by its name. */
  readonly #made = new Map<string, string>();

  constructor(cluster: Cluster, connection: KafkaConnection) {
    this.#cluster = cluster;
    this.#admin = new Admin({
      clientId: 'pgveil',
      bootstrapBrokers: [...connection.brokers],
      retries: 3,
      retryDelay: 100,
      ...connectionOptions(connection),
    });
  }

  /** The topic as it is, or as `options` have it where it was not there. Throws `topic_unfit` where it may not be made. */
  async open(name: string, options: TopicConfig): Promise<Topic> {
    let opening = this.#known.get(name);
    if (!opening) {
      opening = this.#open(name, options);
      this.#known.set(name, opening);
      opening.catch(() => this.#known.delete(name));
    }
    return await opening;
  }

  /** Its id, where it was made here and nobody asked before. */
  takeMade(name: string): string | null {
    const id = this.#made.get(name) ?? null;
    this.#made.delete(name);
    return id;
  }

  /** The topic as it is; null where it is not there. */
  async look(name: string): Promise<(Topic & Durability) | null> {
    const partitions = await this.#cluster.partitions(name);
    if (partitions === null) return null;
    return { name, partitions, replicas: this.#cluster.replicasOf(name), ...(await this.#configs(name)) };
  }

  /** Null where we may not ask. */
  async defaults(): Promise<BrokerDefaults | null> {
    try {
      const broker = String(this.#cluster.anyId);
      const value = await this.#describe(ConfigResourceTypes.BROKER, broker, BROKER_CONFIGS);
      return {
        ...topicConfigs((config) => value(BROKER_NAMES[config] ?? config)),
        replicas: Number(value('default.replication.factor')),
        transactionMs: Number(value('transaction.max.timeout.ms')),
      };
    } catch (error) {
      if (codeOf(error) === 'CLUSTER_AUTHORIZATION_FAILED') return null;
      throw error;
    }
  }

  /** Resolves when brokers have heard of it. */
  async delete(name: string): Promise<void> {
    await this.#admin.deleteTopics({ topics: [name] });
    const deadline = performance.now() + this.#cluster.patienceMs;
    while ((await this.#cluster.partitions(name)) !== null && performance.now() < deadline) {
      await this.#cluster.pause(20);
    }
  }

  async close(): Promise<void> {
    await this.#admin.close();
  }

  async #open(name: string, options: TopicConfig): Promise<Topic> {
    let partitions = await this.#cluster.partitions(name);
    if (partitions === null) {
      if (!options.create) throw new PgveilError('topic_unfit', `the topic ${name} is not there`);
      const isOurs = await this.#create(name, options);
      partitions = await this.#appears(name);
      if (isOurs) this.#made.set(name, this.#cluster.idOf(name)!);
    }
    return { name, partitions, ...(await this.#configs(name)) };
  }

  /** False where somebody else was there first. */
  async #create(name: string, { partitions, replicas, configs }: TopicConfig): Promise<boolean> {
    const all = Object.entries(configs).map(([name, value]) => ({ name, value }));
    try {
      await this.#admin.createTopics({ topics: [name], partitions, replicas, configs: all });
      return true;
    } catch (error) {
      if (codeOf(error) === 'TOPIC_ALREADY_EXISTS') return false;
      throw error;
    }
  }

  /** All brokers hear of a new topic a moment later. */
  async #appears(name: string): Promise<number> {
    return await this.#cluster.patiently(['LEADER_NOT_AVAILABLE', 'UNKNOWN_TOPIC_OR_PARTITION'], async () => {
      for (;;) {
        const partitions = await this.#cluster.partitions(name);
        if (partitions !== null && this.#cluster.leader(name, partitions - 1)) return partitions;
        await this.#cluster.pause(20);
      }
    });
  }

  async #configs(name: string): Promise<TopicConfigs> {
    return topicConfigs(await this.#describe(ConfigResourceTypes.TOPIC, name, TOPIC_CONFIGS));
  }

  async #describe(resourceType: ResourceType, resourceName: string, configurationKeys: string[]): Promise<Values> {
    const [described] = await this.#admin.describeConfigs({
      resources: [{ resourceType, resourceName, configurationKeys }],
    });
    return (config) => described!.configs.find(({ name }) => name === config)?.value ?? '';
  }
}

const TOPIC_CONFIGS = ['max.message.bytes', 'cleanup.policy', 'min.insync.replicas'];
/** What brokers call the defaults of topics' settings, where that is another name. */
const BROKER_NAMES: Readonly<Record<string, string>> = {
  'max.message.bytes': 'message.max.bytes',
  'cleanup.policy': 'log.cleanup.policy',
};
const BROKER_CONFIGS = [
  ...['message.max.bytes', 'log.cleanup.policy', 'min.insync.replicas', 'default.replication.factor'],
  'transaction.max.timeout.ms',
];

type ResourceType = (typeof ConfigResourceTypes)['TOPIC' | 'BROKER'];
type TopicConfigs = Pick<Topic & Durability, 'maxMessageBytes' | 'isCompacted' | 'leastReplicas'>;

/** Of a setting, by its name. */
type Values = (config: string) => string;

function topicConfigs(value: Values): TopicConfigs {
  return {
    maxMessageBytes: Number(value('max.message.bytes')),
    isCompacted: value('cleanup.policy').includes('compact'),
    leastReplicas: Number(value('min.insync.replicas')),
  };
}
