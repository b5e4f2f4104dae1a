import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { topicDifferences } from '../support/kafka/topics.ts';
import { assertBothEqual } from '../support/lake/lake.ts';
import { SETUP, tables } from '../support/lake/shop.ts';
import { Clock } from '../support/trial/clock.ts';
import { Load } from '../support/trial/load.ts';
import { Peers } from '../support/trial/peers.ts';
import { SlotWatch } from '../support/trial/slot-watch.ts';
import type { Trial } from '../support/trial/trial.ts';
import { TROUBLES } from '../support/trial/troubles.ts';
import { until } from '../support/wait.ts';

// A twin, a lake in an S3 server and topics of a broker, fed by one pipeline, while one of the four servers or the clock is in trouble.
// PGVEIL_TEST_TROUBLES: which, names with commas between them; or `all`.

const SOME = [
  'twin is half-open',
  'S3 refuses the login',
  'Kafka has a full disk',
  'the clock goes two hours ahead',
].join();
const chosen = process.env.PGVEIL_TEST_TROUBLES ?? SOME;

/** Long enough for a sink to be parked. */
const TROUBLED_MS = 4_000;
/** Longer than any deadline or wait of the service's own, on a machine that has much else to do. */
const PATIENCE_MS = 240_000;

/** Topics are what the twin is where a row that is updated comes whole. */
const WHOLE = `${SETUP}; ALTER TABLE person REPLICA IDENTITY FULL`;

let peers: Peers;
before(async () => {
  peers = await Peers.start();
});
after(() => peers?.[Symbol.asyncDispose]());

/** The source goes on to be written, as long as it can be. */
async function lasts(load: Load): Promise<void> {
  const [began, before] = [performance.now(), load.tries];
  const isOver = () => performance.now() - began >= TROUBLED_MS && load.tries - before >= 10;
  await until(isOver, { what: 'the trouble to have lasted', timeout: PATIENCE_MS, interval: 100 });
}

async function assertAllEqual(trial: Trial, bucket: string): Promise<void> {
  await assertBothEqual(trial, peers.lake(trial, bucket));
  const topics = { brokers: peers.kafka.brokers, pipeline: trial.name };
  assert.deepEqual(await topicDifferences(topics, trial.twin, Object.keys(tables)), []);
}

describe('three sinks equal redact(source) again, and no slot was ever ahead of a sink, after', () => {
  for (const [at, { name, fills, begin, end }] of TROUBLES.entries()) {
    if (chosen !== 'all' && !chosen.split(',').includes(name)) continue;
    test(name, async (context) => {
      if (fills && !peers.peer(fills).disk) return context.skip('no small file system could be mounted: it takes root');
      const bucket = await peers.s3.bucket();
      await using trial = await peers.servers.trial(WHOLE, tables, { memory: '32MB' });
      const pgveil = await trial.run({
        configuration: peers.configuration(trial, bucket),
        environment: { ...peers.environment, ...Clock.environment(trial.file('clock')) },
      });
      const scene = { peers, clock: new Clock(pgveil, trial.file('clock')) };
      await pgveil.isReady(PATIENCE_MS);
      await using watch = new SlotWatch(peers, trial, peers.lake(trial, bucket));
      await using load = new Load(peers.servers, trial, at);
      await until(() => load.committed >= 10, { what: 'some transactions', timeout: PATIENCE_MS });
      try {
        await begin(scene);
        await lasts(load);
      } finally {
        await end(scene);
      }
      const healed = load.committed;
      await until(() => load.committed >= healed + 10, { what: 'some transactions after it', timeout: PATIENCE_MS });
      await load.stop();
      await trial.reconnect();
      await pgveil.isReady(PATIENCE_MS);
      await trial.holdsAll(pgveil, PATIENCE_MS);
      await pgveil.stop();
      await watch.assertNeverAhead();
      await assertAllEqual(trial, bucket);
    });
  }
});
