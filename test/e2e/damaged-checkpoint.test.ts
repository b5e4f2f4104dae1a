import assert from 'node:assert/strict';
import { rm } from 'node:fs/promises';
import { after, test } from 'node:test';
import { Admin, Producer } from '@platformatic/kafka';
import type { Finding } from '../../src/core/errors.ts';
import { startOwnKafka } from '../support/kafka/kafka.ts';
import { topicOf } from '../support/kafka/topics.ts';
import { lakeOf } from '../support/lake/lake.ts';
import { changesOf, SETUP, tables } from '../support/lake/shop.ts';
import { Servers } from '../support/trial/servers.ts';
import { endsTogether, othersHoldAll, spareTrial } from '../support/trial/spare.ts';
import type { Trial } from '../support/trial/trial.ts';

// What a sink stored of its checkpoint is damaged; then somebody does what the error says.

const servers = await Servers.start();
const kafka = await startOwnKafka();
after(() => Promise.all([servers, kafka].map((one) => one[Symbol.asyncDispose]())));

interface Kind {
  readonly options: Parameters<Servers['trial']>[2];
  damage(trial: Trial): Promise<unknown>;
  /** What the fix says; pgveil is stopped. */
  mend(trial: Trial, fix: string): Promise<unknown>;
}

const client = () => ({ clientId: 'test', bootstrapBrokers: [...kafka.brokers] });
const checkpointTopic = (trial: Trial) => `pgveil.checkpoint.${trial.name}`;

const damageLake = async (trial: Trial) => {
  const lake = lakeOf(trial);
  const { bytes, etag } = (await lake.load('_pgveil/checkpoint'))!;
  await lake.swap('_pgveil/checkpoint', bytes.subarray(0, 40), etag);
};
const emptyLake = (trial: Trial) => rm(trial.file(`lake/${trial.name}`), { recursive: true });

const KINDS: Readonly<Record<string, Kind>> = {
  'a twin’s position': {
    options: {},
    damage: (trial) => trial.twin.query('UPDATE pgveil.checkpoint SET history_slot = NULL'),
    mend: (trial, fix) => trial.twin.query(fix),
  },
  'a twin’s entry': {
    options: {},
    damage: (trial) =>
      trial.twin.query(`UPDATE pgveil.table_entry SET entry = entry - 'shape' WHERE source_table = 'public.person'`),
    mend: (trial, fix) => trial.twin.query(fix),
  },
  'a lake’s checkpoint': { options: { hasTwin: false, lake: {} }, damage: damageLake, mend: emptyLake },
  'a record of a topic': {
    options: { hasTwin: false, kafka: { brokers: kafka.brokers, topics: { partitions: 2 } } },
    damage: async (trial) => {
      const producer = new Producer(client());
      const message = { topic: checkpointTopic(trial), partition: 0, key: 'position', value: '{"format":3}' };
      await producer.send({
        messages: [{ ...message, key: Buffer.from(message.key), value: Buffer.from(message.value) }],
      });
      await producer.close();
    },
    mend: async (trial) => {
      const admin = new Admin(client());
      const topics = [checkpointTopic(trial), ...Object.keys(tables).map((table) => topicOf(trial.name, table))];
      await admin.deleteTopics({ topics });
      await admin.close();
    },
  },
};

for (const [what, { options, damage, mend }] of Object.entries(KINDS)) {
  test(`${what}, of the only sink: every command says so, and after the fix all is there again`, async () => {
    const setup = `${SETUP}; ALTER TABLE person REPLICA IDENTITY FULL`;
    await using trial = await servers.trial(setup, tables, options);
    const changes = await changesOf(trial, 1);
    await trial.catchUp();
    await changes.transactions(50);
    await trial.catchUp();
    await damage(trial);
    await changes.transactions(50);

    const run = await trial.command(['run', '--until-caught-up']);
    assert.deepEqual([run.code, /checkpoint_damaged/.test(run.stderr)], [3, true], run.stderr);
    const status = await trial.command(['status']);
    assert.deepEqual([status.code, /checkpoint_damaged/.test(status.stdout)], [0, true], status.stdout);
    const verified = await trial.command(['verify']);
    assert.deepEqual([verified.code, /checkpoint_damaged/.test(verified.stderr)], [3, true], verified.stderr);
    const check = await trial.command(['check', '--json']);
    assert.equal(check.code, 3);
    const findings: Finding[] = JSON.parse(check.stdout).findings;
    const { fix } = findings.find(({ code }) => code === 'checkpoint_damaged')!;

    await mend(trial, fix);
    await changes.transactions(50);
    await trial.catchUp();
    const equal = await trial.command(['verify']);
    assert.equal(equal.code, 0, equal.stdout);
  });
}

test('of one sink of three: the others go on, and it joins them once it is mended', async () => {
  await using trial = await spareTrial(servers, {});
  const changes = await changesOf(trial, 1);
  await trial.catchUp();
  await damageLake(trial);
  const first = await trial.run();
  const { sinks } = await first.reaches('the halt', (status) => status.sinks.lake?.halt !== undefined);
  assert.deepEqual([sinks.lake!.state, sinks.lake!.halt!.code], ['parked', 'checkpoint_damaged']);
  await changes.transactions(50);
  await othersHoldAll(trial, first);
  await first.stop();
  await emptyLake(trial);
  const second = await trial.run();
  await changes.transactions(50);
  await second.reaches('the lake to be live', (status) => status.sinks.lake?.state === 'live');
  await endsTogether(trial, second);
});
