import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { codeOf } from '../../../sinks/kafka/client/trouble.ts';
import type { KafkaOptions } from '../../../sinks/kafka/options.ts';
import { KafkaSink } from '../../../sinks/kafka/sink.ts';
import { KafkaTarget } from '../../../sinks/kafka/target.ts';
import { Topics } from '../../../sinks/kafka/topics/topics.ts';
import type { PgveilError } from '../../../src/core/errors.ts';
import { sketchTable } from '../../support/batches.ts';
import { startOwnKafka } from '../../support/kafka/kafka.ts';
import { optionsFor, plainConnection, sharedBroker } from './parts.ts';

const { server, cluster } = await sharedBroker();

const plain = sketchTable({ relation: 'plain', columns: { id: 'bigint', at: 'date' }, key: ['id'] });
const wide = sketchTable({ relation: 'wide', columns: { id: 'bigint', note: 'text', body: 'jsonb' }, key: ['id'] });
const full = { ...wide, identity: 'full' as const };

describe('`check` of a Kafka sink', () => {
  const topics = new Topics(cluster, plainConnection(server.brokers));
  after(() => topics.close());

  const made = (configs: Record<string, string>, create = true): Partial<KafkaOptions> => ({
    pipeline: server.name('check'),
    topics: { create, partitions: 1, replicas: 1, configs },
  });
  const found = async (changed: Partial<KafkaOptions>, tables = [plain, wide, full]) =>
    (await new KafkaTarget(optionsFor(server, changed)).checkTables(tables)).map(
      ({ code, object }) => `${code} ${object}`,
    );

  test('warns of values that are not sent, and of none where the row before has them', async () => {
    const target = new KafkaTarget(optionsFor(server, made({})));
    assert.deepEqual(await target.check(), []);
    const [warning, ...others] = await target.checkTables([plain, full, wide]);
    assert.deepEqual(others, []);
    assert.deepEqual([warning!.code, warning!.object], ['values_unsent', 'public.wide']);
    assert.match(warning!.message, /lack note, body of public\.wide/);
    assert.match(warning!.fix, /^ALTER TABLE public\.wide REPLICA IDENTITY FULL;/);
  });

  test('refuses that table in a compacted topic, unless it is allowed, whether the topic is there or not', async () => {
    const compacted = made({ 'cleanup.policy': 'compact,delete' });
    assert.deepEqual(await found(compacted), ['topic_unfit public.wide']);
    assert.deepEqual(await found({ ...compacted, unchanged: 'allow' }), ['values_unsent public.wide']);
    const pipeline = compacted.pipeline!;
    await topics.open(`${pipeline}.public.wide`, compacted.topics!);
    assert.deepEqual(await found({ ...made({}), pipeline }, [wide]), ['topic_unfit public.wide']);
  });

  test('refuses a topic that is not there and may not be made, or not with so many replicas', async () => {
    assert.deepEqual(await found(made({}, false), [plain]), ['topic_unfit public.plain']);
    const many = made({});
    assert.deepEqual(await found({ ...many, topics: { ...many.topics!, replicas: 99 } }, [plain]), [
      'topic_unfit public.plain',
    ]);
  });

  test('refuses the second of two topics that differ in dots and underscores alone, as the broker would', async () => {
    const [one, other] = [
      sketchTable({ schema: 'a_b', relation: 'c', columns: { id: 'bigint' }, key: ['id'] }),
      sketchTable({ schema: 'a', relation: 'b_c', columns: { id: 'bigint' }, key: ['id'] }),
    ];
    const options = made({});
    assert.deepEqual(await found(options, [one, other]), ['topic_unfit a.b_c']);
    await topics.open(`${options.pipeline}.a.b_c`, options.topics!);
    assert.deepEqual(await found(options, [one, other]), ['topic_unfit a_b.c']);
    const refused = topics.open(`${options.pipeline}.a_b.c`, options.topics!);
    await assert.rejects(refused, (error) => codeOf(error) === 'INVALID_TOPIC_EXCEPTION');
    const mended = { ...options, topic: '{name}.{schema}-.{table}' };
    assert.deepEqual(await found(mended, [one, other]), []);
    for (const topic of ['a_b-.c', 'a-.b_c']) await topics.open(`${options.pipeline}.${topic}`, options.topics!);
  });

  test('warns of topics that ask for more replicas than they have, or take small messages alone', async () => {
    assert.deepEqual(await found(made({ 'min.insync.replicas': '2' }), [plain]), ['topic_at_risk public.plain']);
    assert.deepEqual(await found(made({ 'max.message.bytes': '50000' }), [plain, full]), ['topic_at_risk public.wide']);
  });
});

describe('brokers that allow short transactions alone', () => {
  test('are refused by `check`, and by a start', async () => {
    await using kafka = await startOwnKafka({ settings: { 'transaction.max.timeout.ms': '30000' } });
    const options = optionsFor(kafka);
    const [finding] = await new KafkaTarget(options).check();
    assert.equal(finding!.code, 'kafka_unfit');
    const sink = new KafkaSink(options);
    await assert.rejects(sink.open(new AbortController().signal), ({ code }: PgveilError) => code === 'kafka_unfit');
  });
});

describe('three brokers', () => {
  test('have topics that lose nothing with one of them, and go on without it', async () => {
    await using kafka = await startOwnKafka({ nodes: 3 });
    const of = (leastReplicas: string) => ({
      topics: { create: true, partitions: 1, replicas: 3, configs: { 'min.insync.replicas': leastReplicas } },
    });
    const found = async (leastReplicas: string) =>
      (await new KafkaTarget(optionsFor(kafka, of(leastReplicas))).checkTables([plain])).map(({ code }) => code);
    assert.deepEqual(await found('1'), ['topic_at_risk']);
    assert.deepEqual(await found('2'), []);
    assert.deepEqual(await found('3'), ['topic_at_risk']);
    // That of the checkpoint is as the brokers have it.
    const [finding, ...others] = await new KafkaTarget(optionsFor(kafka, of('2'))).check();
    assert.deepEqual([finding!.code, finding!.object, others], ['topic_at_risk', 'sinks.topics', []]);
  });
});
