import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { COMPACTED_FAULTS } from '../../src/core/fault.ts';
import type { Tables } from '../support/judge/decisions.ts';
import { startOwnKafka } from '../support/kafka/kafka.ts';
import { latestDifferences } from '../support/kafka/topics.ts';
import { RandomChanges } from '../support/random/changes.ts';
import { Random } from '../support/random/prng.ts';
import { Servers } from '../support/trial/servers.ts';
import type { Trial } from '../support/trial/trial.ts';

// A twin and compacted topics, read by somebody who goes by each key's last record alone.

const servers = await Servers.start();
/** Compacts as soon as there is anything to compact. */
const kafka = await startOwnKafka({ settings: { 'log.cleaner.backoff.ms': '200' } });
after(() => Promise.all([servers, kafka].map((one) => one[Symbol.asyncDispose]())));

const SETUP = `
  CREATE TABLE person (id bigint PRIMARY KEY, email text, note text);
  ALTER TABLE person REPLICA IDENTITY FULL;
  CREATE TABLE visit (place text, number integer, at date, PRIMARY KEY (place, number));
  INSERT INTO person SELECT i, 'person' || i || '@shop.test', md5(i::text) FROM generate_series(1, 800) i;
  INSERT INTO visit SELECT 'place ' || i % 9, i, current_date - i FROM generate_series(1, 800) i;
`;

const visit = (place: string) => ({
  columns: { place: { hash: { class: place } }, number: 'keep', at: 'keep' } as const,
});
const tables: Tables = {
  'public.person': { columns: { id: 'keep', email: { fake: 'email' }, note: 'keep' } },
  'public.visit': visit('place'),
};

const config = { 'cleanup.policy': 'compact', 'segment.ms': '500', 'min.cleanable.dirty.ratio': '0.01' };
const options = {
  kafka: { brokers: kafka.brokers, format: 'flat', topics: { partitions: 3, config }, split: '100kB' },
};

async function open(seed: number) {
  const trial = await servers.trial(SETUP, tables, options);
  const changes = await RandomChanges.open(trial.source, trial.sourceUrl, new Random(seed), Object.keys(tables));
  return { trial, changes };
}

async function assertBothEqual(trial: Trial): Promise<void> {
  await trial.assertEqual();
  const topics = { brokers: kafka.brokers, pipeline: trial.name };
  assert.deepEqual(await latestDifferences(topics, trial.twin, Object.keys(trial.tables)), []);
}

test('a truncate takes all rows, also in the midst of a transaction that goes on', async () => {
  const { trial, changes } = await open(1);
  await using _ = trial;
  const service = await trial.stream();
  await changes.transactions(100);
  await trial.source.query(`BEGIN; INSERT INTO person VALUES (9001, 'a', 'b'); TRUNCATE person, visit;
    INSERT INTO person VALUES (1, 'new', 'n'), (9002, 'a', 'b'); COMMIT`);
  await changes.transactions(100);
  await trial.holdsAll(service);
  await assertBothEqual(trial);
});

test('keys that a changed rule gives up are gone after the copy', async () => {
  const { trial, changes } = await open(2);
  await using _ = trial;
  await trial.catchUp();
  trial.tables = { ...tables, 'public.visit': visit('another') };
  await changes.transactions(100);
  await trial.catchUp();
  await assertBothEqual(trial);
});

test('drop --data removes the topics with their checkpoint', async () => {
  const { trial } = await open(5);
  await using _ = trial;
  await trial.catchUp();
  const dropped = await trial.command(['drop', '--data', '--yes']);
  assert.equal(dropped.code, 0, dropped.stderr);
  for (const topic of [
    `${trial.name}.public.person`,
    `${trial.name}.public.visit`,
    `pgveil.checkpoint.${trial.name}`,
  ]) {
    assert.match(dropped.stdout, new RegExp(`topic ${topic.replaceAll('.', '[.]')} in sink topics`));
  }
  // There is nothing left that a start could take for its own.
  await trial.catchUp();
  await assertBothEqual(trial);
});

test('a table whose messages may lack values halts in a compacted topic, as check says', async () => {
  const setup = `CREATE TABLE person (id bigint PRIMARY KEY, note text); INSERT INTO person VALUES (1, 'a')`;
  const columns = { id: 'keep', note: 'keep' } as const;
  await using trial = await servers.trial(setup, { 'public.person': { columns } }, options);
  const checked = await trial.command(['check', '--json']);
  assert.equal(checked.code, 3, checked.stdout);
  const [finding] = JSON.parse(checked.stdout).findings;
  assert.deepEqual([finding.code, finding.object], ['topic_unfit', 'public.person']);
  await trial.catchUp(3);
  await trial.source.query('ALTER TABLE person REPLICA IDENTITY FULL');
  await trial.catchUp();
  await assertBothEqual(trial);
});

describe('kill -9 at a fault point of compacted topics', () => {
  for (const [at, fault] of COMPACTED_FAULTS.entries()) {
    test(`"${fault}": nothing is lost, nothing is there twice`, async () => {
      const { trial, changes } = await open(3 + at);
      await using _ = trial;
      await trial.catchUp();
      trial.tables = { ...tables, 'public.visit': visit('another') };
      await changes.transactions(20);
      const service = await trial.run({ fault });
      await service.dies();
      await trial.source.query('DELETE FROM visit WHERE number % 2 = 0');
      await trial.catchUp();
      await assertBothEqual(trial);
    });
  }
});
