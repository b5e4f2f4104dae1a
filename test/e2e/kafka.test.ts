import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { KAFKA_FAULTS } from '../../src/core/fault.ts';
import type { Tables } from '../support/judge/decisions.ts';
import { startOwnKafka } from '../support/kafka/kafka.ts';
import { topicDifferences } from '../support/kafka/topics.ts';
import { RandomChanges } from '../support/random/changes.ts';
import { Random } from '../support/random/prng.ts';
import { Servers } from '../support/trial/servers.ts';
import type { Status } from '../support/trial/service.ts';
import type { Trial } from '../support/trial/trial.ts';
import { until } from '../support/wait.ts';

// A twin and `flat` topics, fed by one pipeline.

const servers = await Servers.start();
const kafka = await startOwnKafka();
after(() => Promise.all([servers, kafka].map((one) => one[Symbol.asyncDispose]())));

const SETUP = `
  CREATE TABLE person (id bigint PRIMARY KEY, email text, note text, seen timestamptz, paid numeric(12,2), photo bytea, ok boolean);
  ALTER TABLE person ALTER note SET STORAGE EXTERNAL;
  ALTER TABLE person REPLICA IDENTITY FULL;
  CREATE TABLE visit (place text, number integer, weight double precision, at date, PRIMARY KEY (place, number));
  INSERT INTO person SELECT 9007199254740993 + i, 'person' || i || '@shop.test', repeat(md5(i::text), 100), now(), i / 7.0,
    decode(md5(i::text), 'hex'), i % 3 = 0 FROM generate_series(1, 800) i;
  INSERT INTO visit SELECT 'place "' || i % 9, i, i / 7.0, current_date - i FROM generate_series(1, 800) i;
`;

const tables: Tables = {
  'public.person': {
    columns: {
      id: 'keep',
      email: { fake: 'email' },
      note: 'keep',
      seen: 'keep',
      paid: 'keep',
      photo: 'keep',
      ok: 'keep',
    },
  },
  'public.visit': { columns: { place: { hash: { class: 'place' } }, number: 'keep', weight: 'keep', at: 'keep' } },
};

const options = {
  memory: '16MB',
  kafka: { brokers: kafka.brokers, format: 'flat', topics: { partitions: 3 }, split: '1MB' },
};

async function assertBothEqual(trial: Trial): Promise<void> {
  await trial.assertEqual();
  const topics = { brokers: kafka.brokers, pipeline: trial.name };
  assert.deepEqual(await topicDifferences(topics, trial.twin, Object.keys(trial.tables)), []);
}

async function open(seed: number) {
  const trial = await servers.trial(SETUP, tables, options);
  const changes = await RandomChanges.open(trial.source, trial.sourceUrl, new Random(seed), Object.keys(tables));
  return { trial, changes };
}

/** One transaction of several parts: each row of it is 3 kB. */
const LARGE = `UPDATE person SET note = repeat('x', 3000) || id, paid = paid + 1`;

/** Small transactions and a large one. */
async function load(trial: Trial, changes: RandomChanges): Promise<false> {
  await changes.transactions(10);
  await trial.source.query(LARGE);
  return false;
}

describe('a twin and topics', () => {
  test('are fed until caught up, again and again', async () => {
    const { trial, changes } = await open(1);
    await using _ = trial;
    await trial.catchUp();
    await assertBothEqual(trial);
    await changes.transactions(300);
    await trial.source.query(LARGE);
    await changes.transactions(100);
    await trial.catchUp();
    await assertBothEqual(trial);
  });
});

describe('a row that its topic does not take', () => {
  test('halts its table alone, in a copy and in the stream', async () => {
    const topics = { partitions: 2, config: { 'max.message.bytes': 4000 } };
    const setup = `CREATE TABLE person (id bigint PRIMARY KEY, note text); CREATE TABLE visit (id bigint PRIMARY KEY, note text);
      INSERT INTO person VALUES (1, repeat('x', 5000)); INSERT INTO visit VALUES (1, 'a')`;
    const columns = { id: 'keep', note: 'keep' } as const;
    const both: Tables = { 'public.person': { columns }, 'public.visit': { columns } };
    await using trial = await servers.trial(setup, both, { kafka: { ...options.kafka, topics } });
    const service = await trial.run();
    const halt =
      (table: string) =>
      ({ tables }: Status) =>
        tables[table]?.halt?.code === 'message_too_large';
    await service.reaches('a halt in the copy', halt('public.person'));
    await trial.source.query(`INSERT INTO visit VALUES (2, 'b')`);
    await trial.holdsAll(service);
    await trial.source.query(`INSERT INTO visit VALUES (3, repeat('x', 5000))`);
    await service.reaches('a halt in the stream', halt('public.visit'));
  });
});

describe('kill -9 at a fault point of topics', () => {
  for (const [at, fault] of KAFKA_FAULTS.entries()) {
    test(`"${fault}": nothing is lost, nothing is there twice`, async () => {
      const { trial, changes } = await open(at);
      await using _ = trial;
      const service = await trial.run({ fault: `${fault}:${1 + (at % 2)}` });
      await until(async () => !service.isRunning || (await load(trial, changes)), {
        what: fault,
        interval: 1000,
      });
      await service.dies();
      await trial.catchUp();
      await assertBothEqual(trial);
    });
  }
});

describe('kill -9 of the broker', () => {
  test('in the middle of it all: nothing is lost, nothing is there twice', async () => {
    const { trial, changes } = await open(20);
    await using _ = trial;
    const service = await trial.stream();
    for (let round = 0; round < 2; round++) {
      const changing = changes.transactions(60);
      await trial.source.query(LARGE);
      await kafka.node(1).signal('SIGKILL');
      await changing;
      await kafka.node(1).start();
      await kafka.answers(1);
    }
    await trial.holdsAll(service);
    await service[Symbol.asyncDispose]();
    await trial.catchUp();
    await assertBothEqual(trial);
  });
});
