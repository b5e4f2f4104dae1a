import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { FAULTS, type Fault, KAFKA_FAULTS, LAKE_FAULTS } from '../../src/core/fault.ts';
import { startOwnKafka } from '../support/kafka/kafka.ts';
import { topicDifferences } from '../support/kafka/topics.ts';
import { assertBothEqual } from '../support/lake/lake.ts';
import { changesOf, SETUP, tables } from '../support/lake/shop.ts';
import { Servers } from '../support/trial/servers.ts';
import type { Status } from '../support/trial/service.ts';
import { lsn, type Trial } from '../support/trial/trial.ts';
import { writeUntilDead } from '../support/trial/write-until-dead.ts';

// A twin, a lake in a folder and topics of a broker, fed by one pipeline that is killed. Which points: PGVEIL_TEST_FAULTS, names with
// commas between them, or `all`.

const servers = await Servers.start();
const kafka = await startOwnKafka();
after(() => Promise.all([servers, kafka].map((one) => one[Symbol.asyncDispose]())));

const ALL: readonly Fault[] = [...FAULTS, ...LAKE_FAULTS, ...KAFKA_FAULTS];
/** Where one sink holds what another does not yet, in a copy and in the stream. */
const SOME: readonly Fault[] = [
  ...(['chunk committed', 'copies finished', 'table attached', 'after the commit', 'before the ack'] as const),
  ...([
    'file stored',
    'after the log',
    'topic chunk ended',
    'before the end of topics',
    'after the end of topics',
  ] as const),
];
const chosen = process.env.PGVEIL_TEST_FAULTS ?? SOME.join();

/** Passed once in a copy, and no more while changes come. */
const ONCE: ReadonlySet<Fault> = new Set([
  ...FAULTS.slice(0, FAULTS.indexOf('inside a transaction')),
  ...(['before the swap', 'after the swap', 'topic copy noted', 'inside a topic chunk', 'topic chunk ended'] as const),
]);

/** 6 MB with the rows as they were, and more than a batch, which is 1 MB under this memory. */
const LARGE = `UPDATE person SET note = repeat(md5(random()::text), 100)`;

const topics = { brokers: kafka.brokers, format: 'flat', topics: { partitions: 2 }, split: '1MB' };
/** Topics are what the twin is where a row that is updated comes whole. */
const WHOLE = `${SETUP}; ALTER TABLE person REPLICA IDENTITY FULL`;

async function assertAllEqual(trial: Trial): Promise<void> {
  await assertBothEqual(trial);
  const ours = { brokers: kafka.brokers, pipeline: trial.name };
  assert.deepEqual(await topicDifferences(ours, trial.twin, Object.keys(tables)), []);
}

/** The slot keeps what the slowest sink still needs; of one that reads by itself its own slot does. */
async function slotsAreBehind(trial: Trial): Promise<void> {
  const { stdout } = await trial.command(['status', '--json']);
  const { sinks } = JSON.parse(stdout) as Status;
  for (const [name, { position, slot }] of Object.entries(sinks)) {
    const confirmed = await trial.confirmed(slot?.name);
    if (position === null || confirmed === null) continue;
    assert.ok(confirmed <= lsn(position), `the slot is ahead of ${name}`);
  }
}

describe('kill -9 while three sinks are fed', () => {
  for (const [at, fault] of ALL.entries()) {
    if (chosen !== 'all' && !chosen.split(',').includes(fault)) continue;
    test(`at "${fault}": nothing is lost, nothing is there twice`, async () => {
      await using trial = await servers.trial(WHOLE, tables, { memory: '32MB', lake: {}, kafka: topics });
      const changes = await changesOf(trial, at);
      for (const time of ONCE.has(fault) ? [1] : [1, 4]) {
        const pgveil = await trial.run({ fault: `${fault}:${time}` });
        await writeUntilDead(changes, pgveil, () => trial.source.query(LARGE));
        await slotsAreBehind(trial);
      }
      const pgveil = await trial.run();
      await changes.transactions(200);
      await pgveil.isReady();
      await trial.holdsAll(pgveil);
      await pgveil.stop();
      await slotsAreBehind(trial);
      await assertAllEqual(trial);
    });
  }
});
