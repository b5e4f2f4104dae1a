import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { KafkaConnection } from '../../../config/config.ts';
import { Cluster } from '../../../sinks/kafka/cluster.ts';
import { readCommitted } from '../../../sinks/kafka/committed.ts';
import { NO_HEADERS } from '../../../sinks/kafka/headers.ts';
import { TransactionalProducer } from '../../../sinks/kafka/producer.ts';
import { KafkaSink } from '../../../sinks/kafka/sink.ts';
import { Topics } from '../../../sinks/kafka/topics.ts';
import type { PgveilError } from '../../../src/core/errors.ts';
import { Secret } from '../../../src/core/secret.ts';
import { startOwnKafka } from '../../support/kafka.ts';
import { KAFKA_USER } from '../../support/kafka-properties.ts';
import { addressOf, markersWritten, optionsFor, plainConnection, range } from './parts.ts';

const signal = new AbortController().signal;

describe('a broker with TLS and SASL', () => {
  test('is written with PLAIN and SCRAM, and says what is wrong with the credentials', async () => {
    await using kafka = await startOwnKafka({ secure: true });
    const authority = await kafka.certificate();
    const connection = (mechanism: string, password: string = KAFKA_USER.password): KafkaConnection => ({
      brokers: kafka.secureBrokers.map(addressOf),
      tls: { authority, certificate: null, key: null },
      sasl: { mechanism, username: KAFKA_USER.username, password: new Secret(password) } as KafkaConnection['sasl'],
    });
    for (const mechanism of ['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512']) {
      const sink = new KafkaSink(optionsFor(kafka, { pipeline: 'secure', connection: connection(mechanism) }));
      assert.equal((await sink.open(signal)).position, null);
      await sink.close();
      const stranger = new KafkaSink(optionsFor(kafka, { connection: connection(mechanism, 'another') }));
      await assert.rejects(stranger.open(signal), isCode('kafka_rights'));
    }
    const untrusted = { ...connection('PLAIN'), tls: { authority: null, certificate: null, key: null } };
    await assert.rejects(
      new KafkaSink(optionsFor(kafka, { connection: untrusted })).open(signal),
      isCode('tls_failed'),
    );
  });
});

describe('three brokers', () => {
  test('a leader and a coordinator may be killed in the middle of transactions: nothing is lost, nothing is there twice', async () => {
    await using kafka = await startOwnKafka({ nodes: 3, settings: { 'min.insync.replicas': '2' } });
    const cluster = new Cluster(plainConnection(kafka.brokers));
    const topics = new Topics(cluster, plainConnection(kafka.brokers));
    try {
      await topics.open('moved', { create: true, partitions: 3, replicas: 3, configs: {} });
      const producer = await TransactionalProducer.open(cluster, { transactionalId: 'moving', compression: 'zstd' });
      const expected: string[] = [];
      for (let round = 1; round <= 4; round++) {
        const transaction = producer.begin();
        for (let i = 0; i < 300; i++) {
          const value = `${round} ${i} ${'x'.repeat(10_000)}`;
          expected.push(value);
          transaction.add('moved', i % 3, range('key'), range(value), NO_HEADERS);
          await transaction.relieve();
          if (i === 250 && round % 2 === 1) await kafka.node((round + 1) / 2).signal('SIGKILL');
        }
        await transaction.commit();
        if (round % 2 === 0) {
          await kafka.node(round / 2).start();
          await kafka.answers(3);
        }
      }
      await markersWritten(cluster, ['moving']);
      const read: string[] = [];
      for (const partition of [0, 1, 2]) {
        await cluster.refresh('moved');
        for await (const { value } of readCommitted(cluster, 'moved', partition)) read.push(String(value));
      }
      assert.deepEqual(read.sort(), expected.sort());
    } finally {
      await topics.close();
      await cluster.close();
    }
  });
});

function isCode(code: PgveilError['code']) {
  return (error: PgveilError) => {
    assert.equal(error.code, code, error.stack);
    return true;
  };
}
