import assert from 'node:assert/strict';
import { after, afterEach, before, describe, test } from 'node:test';
import { checkpointTopicOf } from '../../../sinks/kafka/checkpoint-topic.ts';
import { Cluster } from '../../../sinks/kafka/client/cluster.ts';
import { readCommitted } from '../../../sinks/kafka/client/committed.ts';
import type { KafkaOptions } from '../../../sinks/kafka/options.ts';
import { KafkaSink } from '../../../sinks/kafka/sink.ts';
import { KafkaTarget } from '../../../sinks/kafka/target.ts';
import { Topics } from '../../../sinks/kafka/topics.ts';
import type { PgveilError } from '../../../src/core/errors.ts';
import {
  batch,
  copyOf,
  copyStarted,
  insert,
  positionAt,
  reads,
  remove,
  sketchTable,
  update,
  upTo,
  writeCopy,
} from '../../support/batches.ts';
import { type KafkaServer, startKafka } from '../../support/kafka.ts';
import { readTopic } from '../../support/kafka-reader.ts';
import { hasPython } from '../../support/readers.ts';
import { idsOf, markersWritten, optionsFor, plainConnection } from './parts.ts';

const signal = new AbortController().signal;
const table = sketchTable({ relation: 'thing', columns: { id: 'bigint', note: 'text' }, key: ['id'] });

describe('a Kafka sink', () => {
  let server: KafkaServer;
  let cluster: Cluster;
  let topics: Topics;
  before(async () => {
    server = await startKafka();
    cluster = new Cluster(plainConnection(server.brokers));
    topics = new Topics(cluster, plainConnection(server.brokers));
  });
  after(async () => {
    await topics.close();
    await cluster.close();
    await server[Symbol.asyncDispose]();
  });

  const sinks: KafkaSink[] = [];
  afterEach(async () => {
    for (const sink of sinks.splice(0)) await sink.close();
  });
  const options = (changed: Partial<KafkaOptions> = {}) =>
    optionsFor(server, { pipeline: server.name('once'), ...changed });
  async function open(of: KafkaOptions): Promise<KafkaSink> {
    const sink = new KafkaSink(of);
    sinks.push(sink);
    await sink.open(signal);
    return sink;
  }

  test('is read by others as by our tests: what was abandoned and aborted is not there', async (context) => {
    if (!(await hasPython())) return context.skip('there is no Python to run confluent-kafka with');
    const of = options();
    const sink = await open(of);
    await writeCopy(sink, [
      copyStarted(table),
      reads(table, 1, [['1', 'void']]),
      batch({ events: [{ type: 'chunk abandoned', table, chunk: 1 }] }),
      ...copyOf(table, [
        ['1', 'one'],
        ['2', 'two'],
        ['3', 'three'],
      ]).slice(1),
    ]);
    await sink.flush(positionAt(0x100n));
    await sink.write(upTo(0x200n, [update(table, ['1', 'ONE']), remove(table, ['2', null])]));
    await sink.flush(positionAt(0x200n));
    await sink.write(
      upTo(
        0x300n,
        Array.from({ length: 30 }, (_, i) => insert(table, [`${100 + i}`, 'v'.repeat(500_000)])),
      ),
    );
    await sink.close();
    await markersWritten(cluster, idsOf(of.pipeline));
    const topic = `${of.pipeline}.public.thing`;
    const theirs = (await readTopic(server.brokers, topic, 3)).filter(([, , key]) => !key!.startsWith('\\xff'));
    const shown = (of: typeof theirs) =>
      of.map(([partition, offset, key, value]) => `${partition} ${offset} ${key} ${value}`).sort();
    const ours: typeof theirs = [];
    await cluster.refresh(topic);
    for (const partition of [0, 1, 2]) {
      for await (const { offset, key, value } of readCommitted(cluster, topic, partition)) {
        if (key![0] !== 0xff) ours.push([partition, Number(offset), String(key), value && String(value), {}]);
      }
    }
    assert.deepEqual(shown(theirs), shown(ours));
    assert.deepEqual(
      theirs.map(([, , key, value, headers]) => `${key} ${headers['pgveil.op']} ${value === null}`).sort(),
      ['1 r false', '1 u false', '2 d false', '2 d true', '2 r false', '3 r false'],
    );
  });

  test('says when Kafka lost a commit that it had acknowledged', async () => {
    const of = options();
    const sink = await open(of);
    await sink.write(upTo(0x200n));
    await sink.flush(positionAt(0x200n));
    await topics.delete(checkpointTopicOf(of.pipeline));
    await assert.rejects(sink.open(signal), isAbout('kafka_lost', null));
  });

  test('refuses a table whose topic is not there and may not be made, or is compacted, and goes on with the others', async () => {
    const absent = options({ topics: { create: false, partitions: 1, replicas: 1, configs: {} } });
    // That of the checkpoint is always made.
    await assert.rejects((await open(absent)).write(copyStarted(table)), isAbout('topic_unfit', table.name));
    const compacted = options({
      topics: { create: true, partitions: 1, replicas: 1, configs: { 'cleanup.policy': 'compact' } },
    });
    const sink = await open(compacted);
    const { events } = copyStarted(table);
    const alone = { ...copyStarted(table), events: events.filter(({ type }) => type === 'copy started') };
    await assert.rejects(sink.write(alone), isAbout('topic_unfit', table.name));
    await sink.write(upTo(0x200n));
    await sink.flush(positionAt(0x200n));
  });

  test('does not go on in a topic that is gone: what was copied was in it', async () => {
    const of = options();
    const sink = await open(of);
    await writeCopy(sink, copyOf(table, [['1', 'one']]));
    await sink.flush(positionAt(0x100n));
    await sink.close();
    await topics.delete(`${of.pipeline}.public.thing`);
    const next = await open(of);
    await assert.rejects(next.write(upTo(0x200n, [insert(table, ['2', 'two'])])), isAbout('topic_unfit', table.name));
  });

  test('is looked at without being taken over, and leaves nothing behind but its topics', async () => {
    const of = options();
    const target = new KafkaTarget(of);
    assert.equal(await target.checkpoint(), null);
    assert.deepEqual(await target.remains(), []);
    const sink = await open(of);
    await sink.write(upTo(0x200n));
    await sink.flush(positionAt(0x200n));
    await markersWritten(cluster, idsOf(of.pipeline));
    assert.deepEqual((await target.checkpoint())!.position, positionAt(0x200n));
    await sink.write(upTo(0x300n));
    await sink.flush(positionAt(0x300n));
    await sink.close();
    const [remains, ...others] = await target.remains();
    assert.deepEqual(others, []);
    await remains!.remove();
    assert.deepEqual(await target.remains(), []);
  });
});

function isAbout(code: PgveilError['code'], of: string | null) {
  return (error: PgveilError) => {
    assert.deepEqual([error.code, error.table], [code, of], error.stack);
    return true;
  };
}
