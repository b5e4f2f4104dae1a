import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { AclOperations, AclPermissionTypes, Admin, ResourcePatternTypes, ResourceTypes } from '@platformatic/kafka';
import type { KafkaConnection } from '../../../config/config.ts';
import { Cluster } from '../../../sinks/kafka/client/cluster.ts';
import { readCommitted } from '../../../sinks/kafka/client/committed.ts';
import { TransactionalProducer } from '../../../sinks/kafka/client/producer.ts';
import { NO_HEADERS } from '../../../sinks/kafka/format/headers.ts';
import { KafkaSink } from '../../../sinks/kafka/sink.ts';
import { Topics } from '../../../sinks/kafka/topics/topics.ts';
import type { Checkpoint } from '../../../src/core/checkpoint.ts';
import type { PgveilError } from '../../../src/core/errors.ts';
import { Secret } from '../../../src/core/secret.ts';
import { copyOf, positionAt, sketchTable, writeCopy } from '../../support/batches.ts';
import { startOwnKafka } from '../../support/kafka/kafka.ts';
import { KAFKA_USER } from '../../support/kafka/properties.ts';
import { until } from '../../support/wait.ts';
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
      await assert.rejects(stranger.open(signal), isCode('credentials_refused'));
    }
    const untrusted = { ...connection('PLAIN'), tls: { authority: null, certificate: null, key: null } };
    await assert.rejects(
      new KafkaSink(optionsFor(kafka, { connection: untrusted })).open(signal),
      isCode('tls_failed'),
    );
  });
});

describe('a broker with ACLs', () => {
  test('is written with the rights that the documents name, and with fewer it says so', async () => {
    const settings = {
      'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
      'super.users': 'User:ANONYMOUS',
    };
    await using kafka = await startOwnKafka({ secure: true, settings });
    const options = optionsFor(kafka, {
      pipeline: 'guarded',
      connection: {
        brokers: kafka.secureBrokers.map(addressOf),
        tls: { authority: await kafka.certificate(), certificate: null, key: null },
        sasl: { mechanism: 'SCRAM-SHA-512', username: KAFKA_USER.username, password: new Secret(KAFKA_USER.password) },
      },
    });
    const sink = new KafkaSink(options);
    await assert.rejects(sink.open(signal), isCode('kafka_rights'));
    const admin = new Admin({ clientId: 'test', bootstrapBrokers: [...kafka.brokers] });
    try {
      const { CREATE, DESCRIBE, DESCRIBE_CONFIGS, READ, WRITE } = AclOperations;
      const { TOPIC, TRANSACTIONAL_ID } = ResourceTypes;
      const rights = [
        ...[CREATE, DESCRIBE, DESCRIBE_CONFIGS, WRITE].map((operation) => [TOPIC, 'guarded.', operation] as const),
        ...[CREATE, DESCRIBE, DESCRIBE_CONFIGS, WRITE, READ].map(
          (operation) => [TOPIC, 'pgveil.checkpoint.guarded', operation] as const,
        ),
        ...[DESCRIBE, WRITE].map((operation) => [TRANSACTIONAL_ID, 'pgveil.guarded', operation] as const),
      ];
      const creations = rights.map(([resourceType, resourceName, operation]) => ({
        ...{ resourceType, resourceName, resourcePatternType: ResourcePatternTypes.PREFIXED },
        ...{ principal: `User:${KAFKA_USER.username}`, host: '*' },
        ...{ operation, permissionType: AclPermissionTypes.ALLOW },
      }));
      await admin.createAcls({ creations });
    } finally {
      await admin.close();
    }
    const table = sketchTable({ relation: 'thing', columns: { id: 'bigint' }, key: ['id'] });
    try {
      assert.equal((await opened(sink)).position, null);
      await writeCopy(sink, copyOf(table, [['1'], ['2']]));
      await sink.flush(positionAt(0x100n));
      assert.deepEqual((await opened(sink)).position, positionAt(0x100n));
    } finally {
      await sink.close();
    }
  });
});

/** Brokers know of new rights a moment later. */
async function opened(sink: KafkaSink): Promise<Checkpoint> {
  const open = () =>
    sink.open(signal).catch((error: PgveilError) => {
      if (error.code !== 'kafka_rights') throw error;
      return null;
    });
  return await until(open, { what: 'rights to be known' });
}

describe('a broker that is gone', () => {
  test('is told of within seconds where there is no other one: until then all sinks wait for it', async () => {
    await using kafka = await startOwnKafka();
    const cluster = new Cluster(plainConnection(kafka.brokers));
    const topics = new Topics(cluster, plainConnection(kafka.brokers));
    try {
      await topics.open('gone', { create: true, partitions: 1, replicas: 1, configs: {} });
      const producer = await TransactionalProducer.open(cluster, { transactionalId: 'gone', compression: 'zstd' });
      const write = async (relieved: () => Promise<void>) => {
        const transaction = producer.begin();
        transaction.add('gone', 0, range('key'), range('value'), NO_HEADERS);
        await transaction.relieve();
        await relieved();
        await transaction.commit();
        return 'committed';
      };
      assert.equal(await write(async () => {}), 'committed');
      const written = write(() => kafka.node(1).signal('SIGKILL')).catch(({ code }: PgveilError) => code);
      assert.equal(await until(() => written, { what: 'the producer to say so', timeout: 10_000 }), 'kafka_away');
    } finally {
      await topics.close();
      await cluster.close();
    }
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
