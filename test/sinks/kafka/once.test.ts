import assert from 'node:assert/strict';
import { after, afterEach, describe, test } from 'node:test';
import { checkpointTopicOf } from '../../../sinks/kafka/checkpoint-topic.ts';
import { readCommitted } from '../../../sinks/kafka/client/committed.ts';
import type { KafkaOptions } from '../../../sinks/kafka/options.ts';
import { KafkaSink } from '../../../sinks/kafka/sink.ts';
import { KafkaTarget } from '../../../sinks/kafka/target.ts';
import { Topics } from '../../../sinks/kafka/topics/topics.ts';
import type { RedactedBatch } from '../../../src/core/batch.ts';
import type { PgveilError } from '../../../src/core/errors.ts';
import type { RedactedTable } from '../../../src/core/table.ts';
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
import { readTopic } from '../../support/kafka/reader.ts';
import { hasPython } from '../../support/lake/readers.ts';
import { until } from '../../support/wait.ts';
import { flatRecords, fold } from './fold.ts';
import { idsOf, markersWritten, optionsFor, plainConnection, sharedBroker } from './parts.ts';

const { server, cluster } = await sharedBroker();

const signal = new AbortController().signal;
const table = sketchTable({ relation: 'thing', columns: { id: 'bigint', note: 'text' }, key: ['id'] });

describe('a Kafka sink', () => {
  const topics = new Topics(cluster, plainConnection(server.brokers));
  after(() => topics.close());

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

  test('sends no more at once than the topic takes', async () => {
    const configs = { 'max.message.bytes': '20000' };
    const of = options({ compression: 'none', topics: { create: true, partitions: 1, replicas: 1, configs } });
    const sink = await open(of);
    const rows = Array.from({ length: 30 }, (_, i) => [`${i}`, 'x'.repeat(3000)]);
    await writeCopy(sink, copyOf(table, rows));
    await sink.flush(positionAt(0x100n));
    await markersWritten(cluster, idsOf(of.pipeline));
    assert.equal(fold(table, await flatRecords(cluster, `${of.pipeline}.public.thing`)).length, 30);
  });

  test('says when Kafka lost a commit that it had acknowledged', async () => {
    const of = options();
    const sink = await open(of);
    await sink.write(upTo(0x200n));
    await sink.flush(positionAt(0x200n));
    await topics.delete(checkpointTopicOf(of.pipeline));
    await assert.rejects(sink.open(signal), isAbout('kafka_lost', null));
  });

  test('refuses a table whose topic is not there and may not be made', async () => {
    const absent = options({ topics: { create: false, partitions: 1, replicas: 1, configs: {} } });
    // That of the checkpoint is always made.
    await assert.rejects((await open(absent)).write(copyStarted(table)), isAbout('topic_unfit', table.name));
  });

  test('refuses a compacted topic where values are not sent that an update leaves alone, and goes on with the others', async () => {
    const topics = { create: true, partitions: 1, replicas: 1, configs: { 'cleanup.policy': 'compact' } };
    const start = ({ events }: RedactedBatch) => events.filter(({ type }) => type === 'copy started');
    const alone = (of: RedactedTable) => ({ ...copyStarted(of), events: start(copyStarted(of)) });
    const sink = await open(options({ topics }));
    await assert.rejects(sink.write(alone(table)), isAbout('topic_unfit', table.name));
    await sink.write(upTo(0x200n));
    await sink.flush(positionAt(0x200n));
    await sink.write(alone({ ...table, identity: 'full' }));
    await (await open(options({ topics, unchanged: 'allow' }))).write(alone(table));
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

  test('leaves topics of its own behind until they are dropped, and never drops those of others', async () => {
    const of = options();
    const other = sketchTable({ relation: 'other', columns: { id: 'bigint' }, key: ['id'] });
    const again = sketchTable({ relation: 'again', columns: { id: 'bigint' }, key: ['id'] });
    const [thing, others, remade] = ['thing', 'other', 'again'].map((name) => `${of.pipeline}.public.${name}`);
    await topics.open(others!, of.topics);
    const sink = await open(of);
    for (const one of [table, other, again]) await writeCopy(sink, copyOf(one, []));
    await sink.flush(positionAt(0x100n));
    await sink.close();
    await markersWritten(cluster, idsOf(of.pipeline));
    await topics.delete(remade!);
    await until(async () => (await cluster.partitions(remade!)) === null, { what: 'a topic to be gone' });
    const fresh = new Topics(cluster, plainConnection(server.brokers));
    await fresh.open(remade!, of.topics);
    await fresh.close();
    const remains = await new KafkaTarget(of).remains();
    assert.deepEqual(
      remains.map(({ what }) => what),
      [`topic ${thing} in sink topics`, `checkpoint topic pgveil.checkpoint.${of.pipeline} in sink topics`],
    );
    for (const one of remains) await one.remove();
    assert.deepEqual(await new KafkaTarget(of).remains(), []);
    assert.equal(await cluster.partitions(thing!), null);
    assert.equal(await cluster.partitions(others!), 3);
    assert.equal(await cluster.partitions(remade!), 3);
  });
});

function isAbout(code: PgveilError['code'], of: string | null) {
  return (error: PgveilError) => {
    assert.deepEqual([error.code, error.table], [code, of], error.stack);
    return true;
  };
}
