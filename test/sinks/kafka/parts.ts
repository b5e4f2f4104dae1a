// What the tests of Kafka's parts have in common.
import { after } from 'node:test';
import { describeTransactionsV0, findCoordinatorV4 } from '@platformatic/kafka';
import type { KafkaConnection } from '../../../config/config.ts';
import { Cluster } from '../../../sinks/kafka/client/cluster.ts';
import type { Bytes } from '../../../sinks/kafka/client/record-batch.ts';
import { codeOf } from '../../../sinks/kafka/client/trouble.ts';
import type { KafkaOptions } from '../../../sinks/kafka/options.ts';
import { type KafkaServer, startKafka } from '../../support/kafka/kafka.ts';
import { until } from '../../support/wait.ts';

export function range(text: string): Bytes {
  const bytes = Buffer.from(text);
  return { bytes, start: 0, end: bytes.length };
}

export function plainConnection(brokers: readonly string[]): KafkaConnection {
  return { brokers: brokers.map(addressOf), tls: null, sasl: null };
}

/** A broker that other test files may use as well, and a client of it until this file's tests are over. */
export async function sharedBroker(): Promise<{ readonly server: KafkaServer; readonly cluster: Cluster }> {
  const server = await startKafka();
  const cluster = new Cluster(plainConnection(server.brokers));
  after(async () => {
    await cluster.close();
    await server[Symbol.asyncDispose]();
  });
  return { server, cluster };
}

export function addressOf(broker: string): { host: string; port: number } {
  const [host, port] = broker.split(':');
  return { host: host!, port: Number(port) };
}

const TRANSACTION = 1;

/** A commit is acknowledged when it cannot be undone; readers see it when its markers are written. Resolves when those of all ids are. */
export async function markersWritten(cluster: Cluster, transactionalIds: readonly string[]): Promise<void> {
  for (const id of transactionalIds) {
    await until(async () => !(await stateOf(cluster, id)).startsWith('Prepare'), { what: `the markers of ${id}` });
  }
}

async function stateOf(cluster: Cluster, id: string): Promise<string> {
  const { coordinators } = await cluster.askAny(findCoordinatorV4.api, TRANSACTION, [id]);
  try {
    const { transactionStates } = await cluster.ask(coordinators[0]!, describeTransactionsV0.api, [id]);
    return transactionStates[0]!.transactionState;
  } catch (error) {
    if (codeOf(error) === 'TRANSACTIONAL_ID_NOT_FOUND') return 'Empty';
    throw error;
  }
}

/** Those of a pipeline, with so many chunks as any test has open at a time. */
export function idsOf(pipeline: string): string[] {
  const id = `pgveil.${pipeline}`;
  return [id, `${id}.copies`, `${id}.copies.0`, `${id}.copies.1`, `${id}.copies.2`];
}

export function optionsFor(server: KafkaServer, changed: Partial<KafkaOptions> = {}): KafkaOptions {
  return {
    type: 'kafka',
    name: 'topics',
    patienceMs: 0,
    mayDetach: false,
    pipeline: 'shop',
    connection: plainConnection(server.brokers),
    topic: '{name}.{schema}.{table}',
    topics: { create: true, partitions: 3, replicas: 1, configs: { 'retention.ms': '-1' } },
    format: 'flat',
    schema: 'none',
    registry: null,
    int8: 'number',
    unchanged: 'refuse',
    compression: 'zstd',
    split: 100 * 1024 * 1024,
    ...changed,
  };
}
