// What the tests of Kafka's parts have in common.
import { describeTransactionsV0, findCoordinatorV4 } from '@platformatic/kafka';
import type { Cluster } from '../../../sinks/kafka/cluster.ts';
import type { KafkaConnection } from '../../../sinks/kafka/connection-options.ts';
import type { Bytes } from '../../../sinks/kafka/record-batch.ts';
import { codeOf } from '../../../sinks/kafka/trouble.ts';
import { until } from '../../support/wait.ts';

export const NO_HEADERS: Bytes = range('\0');

export function range(text: string): Bytes {
  const bytes = Buffer.from(text);
  return { bytes, start: 0, end: bytes.length };
}

export function plainConnection(brokers: readonly string[]): KafkaConnection {
  return { brokers: brokers.map(addressOf), tls: null, sasl: null };
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
