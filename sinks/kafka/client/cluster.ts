import { setTimeout as sleep } from 'node:timers/promises';
import { type Broker, type Connection, metadataV12 } from '@platformatic/kafka';
import type { KafkaConnection } from '../../../config/config.ts';
import { PgveilError } from '../../../src/core/errors.ts';
import { Connections } from './connections.ts';
import { codeOf } from './trouble.ts';

/** How long something is tried again before whoever waits for it is told: about as long as a broker takes to come back. */
const PATIENCE_MS = 30_000;
/** Unless none of the brokers answers: then nobody will say who leads instead, and until the sink says that it is away the others wait for it. */
const SILENCE_MS = 1_000;

/** A partition has another leader, or a new one none yet that knows of it. */
const LEADERLESS = [
  'NOT_LEADER_OR_FOLLOWER',
  'LEADER_NOT_AVAILABLE',
  'UNKNOWN_TOPIC_OR_PARTITION',
  'FENCED_LEADER_EPOCH',
  'UNKNOWN_LEADER_EPOCH',
  'OFFSET_NOT_AVAILABLE',
];

/** A call of Kafka's protocol, as the client exports them. */
interface Api<Parameters extends unknown[], Answer> {
  async(connection: Connection, ...parameters: Parameters): Promise<Answer>;
}

interface Partition {
  /** The broker's id; -1 where there is none. */
  readonly leader: number;
  readonly replicas: number;
}

interface KnownTopic {
  /** Of no other topic, not even of one that had the name before. */
  readonly id: string;
  readonly partitions: readonly Partition[];
}

/** The brokers, and which of them leads which partition. */
export class Cluster {
  readonly #connections: Connections;
  readonly #bootstrap: readonly Broker[];
  #brokers: ReadonlyMap<number, Broker> = new Map();
  /** By name. */
  readonly #topics = new Map<string, KnownTopic>();
  readonly #closed = new AbortController();
  /** Since when no broker answers. */
  #silentSince: number | null = null;

  constructor(connection: KafkaConnection) {
    this.#connections = new Connections(connection);
    this.#bootstrap = connection.brokers;
  }

  /** Of no other cluster; null where the brokers do not say. */
  async id(): Promise<string | null> {
    return (await this.askAny(metadataV12.api, [], false)).clusterId ?? null;
  }

  /** Of a topic that is there; null where it is not. */
  async partitions(topic: string): Promise<number | null> {
    await this.refresh(topic);
    return this.#topics.get(topic)?.partitions.length ?? null;
  }

  /** As it was when its partitions were asked for; null where it was not there. */
  idOf(topic: string): string | null {
    return this.#topics.get(topic)?.id ?? null;
  }

  /** How many of each partition there are at least, as of then. */
  replicasOf(topic: string): number {
    return Math.min(...(this.#topics.get(topic)?.partitions ?? []).map(({ replicas }) => replicas));
  }

  /** How many brokers there are, as of the last question. */
  get size(): number {
    return this.#brokers.size;
  }

  /** Of any broker; null before the first question. */
  get anyId(): number | null {
    return this.#brokers.keys().next().value ?? null;
  }

  /** Null where nobody leads it at the moment. */
  leader(topic: string, partition: number): Broker | null {
    return this.#brokers.get(this.#topics.get(topic)?.partitions[partition]?.leader ?? -1) ?? null;
  }

  /** Throws `kafka_away` where nobody does. */
  leaderOf(topic: string, partition: number): Broker {
    const leader = this.leader(topic, partition);
    if (!leader) throw new PgveilError('kafka_away', `${topic} has no leader`);
    return leader;
  }

  /** Asks a broker who leads the topic's partitions now. */
  async refresh(topic: string): Promise<void> {
    const { brokers, topics } = await this.#metadata(topic);
    this.#brokers = new Map(brokers.map(({ nodeId, host, port }) => [nodeId, { host, port }]));
    const found = topics?.partitions.toSorted((a, b) => a.partitionIndex - b.partitionIndex) ?? [];
    const partitions = found.map(({ leaderId, replicaNodes }) => ({ leader: leaderId, replicas: replicaNodes.length }));
    if (partitions.length === 0) this.#topics.delete(topic);
    else this.#topics.set(topic, { id: topics!.topicId, partitions });
  }

  async ask<P extends unknown[], A>(broker: Broker, api: Api<P, A>, ...parameters: P): Promise<A> {
    return await api.async(await this.#connections.pool.get(broker), ...parameters);
  }

  /** Asks whoever leads the partition, and looks again who that is where it is nobody, or another one. */
  async askLeader<P extends unknown[], A>(
    topic: string,
    partition: number,
    api: Api<P, A>,
    ...parameters: P
  ): Promise<A> {
    return await this.patiently(LEADERLESS, async () => {
      try {
        return await this.ask(this.leaderOf(topic, partition), api, ...parameters);
      } catch (error) {
        if (LEADERLESS.includes(codeOf(error))) await this.refresh(topic);
        throw error;
      }
    });
  }

  async connection(broker: Broker): Promise<Connection> {
    return await this.#connections.pool.get(broker);
  }

  /** Of whichever broker answers. */
  async askAny<P extends unknown[], A>(api: Api<P, A>, ...parameters: P): Promise<A> {
    const brokers = [...this.#brokers.values(), ...this.#bootstrap];
    try {
      const answer = await api.async(await this.#connections.pool.getFirstAvailable(brokers), ...parameters);
      this.#silentSince = null;
      return answer;
    } catch (error) {
      if (codeOf(error) === 'NETWORK') this.#silentSince ??= performance.now();
      else this.#silentSince = null;
      throw error;
    }
  }

  /** Whether whoever was asked last, and for a while before, gave no answer, of all brokers. */
  get isSilent(): boolean {
    return this.#silentSince !== null && performance.now() - this.#silentSince > SILENCE_MS;
  }

  /** Does `work` again while it fails by one of `passing`, until patience ends, no broker answers, or this is closed. */
  async patiently<T>(passing: readonly string[], work: () => Promise<T>): Promise<T> {
    const deadline = performance.now() + PATIENCE_MS;
    for (let wait = 2; ; wait = Math.min(wait * 2, 50)) {
      try {
        return await work();
      } catch (error) {
        if (!passing.includes(codeOf(error)) || this.isSilent || performance.now() > deadline) throw error;
        await this.pause(wait);
      }
    }
  }

  /** Rejects once this is closed. */
  async pause(ms: number): Promise<void> {
    await sleep(ms, undefined, { signal: this.#closed.signal }).catch(() => {
      throw new PgveilError('kafka_away', 'closed');
    });
  }

  get patienceMs(): number {
    return PATIENCE_MS;
  }

  async close(): Promise<void> {
    this.#closed.abort();
    await this.#connections.close();
  }

  async #metadata(topic: string) {
    try {
      const { brokers, topics } = await this.askAny(metadataV12.api, [topic], false);
      return { brokers, topics: topics[0] };
    } catch (error) {
      if (codeOf(error) !== 'UNKNOWN_TOPIC_OR_PARTITION') throw error;
      const { brokers } = await this.askAny(metadataV12.api, [], false);
      return { brokers, topics: undefined };
    }
  }
}
