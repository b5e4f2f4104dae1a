import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { readCommitted } from '../../../../sinks/kafka/client/committed.ts';
import { TransactionalProducer } from '../../../../sinks/kafka/client/producer.ts';
import type { KafkaTransaction } from '../../../../sinks/kafka/client/transaction.ts';
import { NO_HEADERS } from '../../../../sinks/kafka/format/headers.ts';
import { Topics } from '../../../../sinks/kafka/topics/topics.ts';
import type { PgveilError } from '../../../../src/core/errors.ts';
import { markersWritten, plainConnection, range, sharedBroker } from '../parts.ts';

const { server, cluster } = await sharedBroker();

describe('a transactional producer', () => {
  const topics = new Topics(cluster, plainConnection(server.brokers));
  after(() => topics.close());

  async function topic(partitions = 1): Promise<string> {
    const name = server.name('producer');
    await topics.open(name, { create: true, partitions, replicas: 1, configs: {} });
    return name;
  }

  const open = (transactionalId: string) =>
    TransactionalProducer.open(cluster, { transactionalId, compression: 'zstd' });

  const add = (transaction: KafkaTransaction, to: string, values: readonly string[], partition = 0) => {
    for (const value of values) transaction.add(to, partition, range('key'), range(value), NO_HEADERS);
  };

  async function values(of: string, partition = 0): Promise<string[]> {
    await markersWritten(cluster, [of]); // each test's producer has the name of its topic
    const read = [];
    for await (const { value } of readCommitted(cluster, of, partition)) read.push(String(value));
    return read;
  }

  test('what is committed is there in its order, in all partitions', async () => {
    const name = await topic(3);
    const producer = await open(name);
    for (const round of [1, 2, 3]) {
      const transaction = producer.begin();
      for (const partition of [0, 1, 2]) add(transaction, name, [`${round}a`, `${round}b`], partition);
      await transaction.commit();
    }
    for (const partition of [0, 1, 2]) {
      assert.deepEqual(await values(name, partition), ['1a', '1b', '2a', '2b', '3a', '3b']);
    }
  });

  test('what is aborted is not there, and the producer goes on', async () => {
    const name = await topic();
    const producer = await open(name);
    const large = 'x'.repeat(100_000);
    for (const round of [1, 2, 3]) {
      const lost = producer.begin();
      for (let i = 0; i < 200; i++) {
        add(lost, name, [large]);
        await lost.relieve();
      }
      await lost.abort();
      const kept = producer.begin();
      add(kept, name, [`kept ${round}`]);
      await kept.commit();
    }
    assert.deepEqual(await values(name), ['kept 1', 'kept 2', 'kept 3']);
  });

  test('a transaction that is larger than what may wait is whole', async () => {
    const name = await topic(2);
    const producer = await open(name);
    const transaction = producer.begin();
    const numbers = Array.from({ length: 3000 }, (_, i) => `${i} ${'y'.repeat(10_000)}`);
    for (const number of numbers) {
      add(transaction, name, [number], Number.parseInt(number, 10) % 2);
      await transaction.relieve();
    }
    assert.deepEqual(await values(name), []);
    await transaction.commit();
    assert.deepEqual([...(await values(name, 0)), ...(await values(name, 1))].length, 3000);
    assert.deepEqual(
      await values(name, 1),
      numbers.filter((_, i) => i % 2 === 1),
    );
  });

  test('the next transaction gathers while the one before is committed', async () => {
    const name = await topic();
    const producer = await open(name);
    const transactions = Array.from({ length: 5 }, () => producer.begin());
    for (const [i, transaction] of transactions.entries()) add(transaction, name, [`${i}`]);
    await Promise.all(transactions.map((transaction) => transaction.commit()));
    assert.deepEqual(await values(name), ['0', '1', '2', '3', '4']);
  });

  test('one that was overtaken writes nothing more, and what it had open is gone', async () => {
    const name = await topic();
    const zombie = await open(name);
    const begun = zombie.begin();
    const large = 'z'.repeat(1_000_000);
    for (let i = 0; i < 20; i++) {
      add(begun, name, [large]);
      await begun.relieve();
    }
    const producer = await open(name);
    await assert.rejects(begun.commit(), isFenced);
    await assert.rejects(zombie.begin().abort(), isFenced);
    const transaction = producer.begin();
    add(transaction, name, ['mine']);
    await transaction.commit();
    assert.deepEqual(await values(name), ['mine']);
  });
});

function isFenced(error: PgveilError): boolean {
  assert.equal(error.code, 'fenced');
  return true;
}
