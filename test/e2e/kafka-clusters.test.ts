import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { startOwnKafka } from '../support/kafka/kafka.ts';
import { topicDifferences } from '../support/kafka/topics.ts';
import { changesOf, SETUP, tables } from '../support/lake/shop.ts';
import { Servers } from '../support/trial/servers.ts';
import type { Trial } from '../support/trial/trial.ts';

// Two clusters of Kafka, fed by one pipeline.

const [servers, one, other] = await Promise.all([Servers.start(), startOwnKafka(), startOwnKafka()]);
after(() => Promise.all([servers, one, other].map((server) => server[Symbol.asyncDispose]())));

const WHOLE = `${SETUP}; ALTER TABLE person REPLICA IDENTITY FULL`;
const topicsIn = (brokers: readonly string[]) => {
  return { type: 'kafka', brokers, format: 'flat', topics: { partitions: 2 }, patience: '1s' };
};

async function trialOf(more: Record<string, unknown>): Promise<Trial> {
  const trial = await servers.trial(WHOLE, tables, { memory: '32MB' });
  const configuration = trial.configuration.bind(trial);
  trial.configuration = () => {
    const own = configuration();
    return { ...own, sinks: { ...(own.sinks as object), ...more } };
  };
  return trial;
}

test('each holds what the twin does, one that is away keeps the other from nothing, and both are cleaned up', async () => {
  await using trial = await trialOf({ topics: topicsIn(one.brokers), mirror: topicsIn(other.brokers) });
  const changes = await changesOf(trial, 1);
  const pgveil = await trial.stream();
  await changes.transactions(50);
  await other.node(1).signal('SIGKILL');
  await changes.transactions(50);
  await pgveil.reaches('the mirror parked', ({ sinks }) => sinks.mirror?.state === 'parked');
  assert.equal((await pgveil.status()).sinks.topics!.state, 'live');
  await changes.transactions(50);
  await other.startAll();
  await pgveil.reaches('the mirror live', ({ sinks }) => sinks.mirror?.state === 'live');
  await changes.transactions(50);
  await pgveil.isReady();
  await trial.holdsAll(pgveil);
  await pgveil.stop();
  await trial.assertEqual();
  for (const { brokers } of [one, other]) {
    assert.deepEqual(await topicDifferences({ brokers, pipeline: trial.name }, trial.twin, Object.keys(tables)), []);
  }
  const dropped = await trial.command(['drop', '--data', '--yes']);
  assert.equal(dropped.code, 0, dropped.stderr);
  assert.equal(dropped.stdout.match(/topic \S+ in sink (topics|mirror)/g)?.length, 6, dropped.stdout);
});

test('one cluster under two addresses is refused: it has one checkpoint of a pipeline', async () => {
  const elsewhere = one.brokers.map((broker) => broker.replace('127.0.0.1', 'localhost'));
  await using trial = await trialOf({ topics: topicsIn(one.brokers), mirror: topicsIn(elsewhere) });
  const { code, stdout } = await trial.command(['check', '--json']);
  assert.equal(code, 2, stdout);
  const [found] = JSON.parse(stdout).findings;
  assert.deepEqual([found.code, found.object], ['sink_shared', 'sinks.mirror.brokers']);
});
