import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type KafkaServer, startOwnKafka } from '../support/kafka/kafka.ts';
import { changesOf, SETUP } from '../support/lake/shop.ts';
import { copyData, replaceData } from '../support/postgres/data.ts';
import { createDatabase } from '../support/postgres/postgres.ts';
import { Servers } from '../support/trial/servers.ts';
import { assertThreeEqual, stateOf, streamThree, threeSinks } from '../support/trial/three-sinks.ts';
import type { Trial } from '../support/trial/trial.ts';

// What the source can become while three sinks hold what it was. test/connectors/postgres/recopy/restore.test.ts has more of it, for the
// source alone. Each test has servers and brokers of its own: a trial of another source has the same name.

/** It says so, ends with 3, and none of the sinks got anything. */
async function refuses(trial: Trial, kafka: KafkaServer, configuration: Record<string, unknown> = {}): Promise<void> {
  const before = await stateOf(trial, kafka);
  const file = await trial.write({ ...trial.configuration(), ...configuration });
  const { code, stderr, stdout } = await trial.pgveil(['run', '-c', file]);
  assert.equal(code, 3, stdout + stderr);
  assert.match(stderr, /history_changed/);
  assert.match(stderr, /--accept-source/);
  assert.deepEqual(await stateOf(trial, kafka), before);
}

test('a source restored to an earlier state ends the service, nothing of it is applied anywhere, and --accept-source copies all of it', async () => {
  await using servers = await Servers.start();
  await using kafka = await startOwnKafka();
  await using trial = await threeSinks(servers, kafka);
  const pgveil = await streamThree(trial);
  await trial.holdsAll(pgveil);
  await servers.source.stop();
  const earlier = copyData(servers.source);
  await servers.source.start();
  await trial.reconnect();
  await (await changesOf(trial, 1)).transactions(50);
  await trial.holdsAll(pgveil);

  pgveil.process.kill('SIGSTOP'); // what it writes when the source goes is its own affair
  await servers.source.stop('immediate');
  replaceData(servers.source, earlier);
  await servers.source.start();
  await trial.reconnect();
  await (await changesOf(trial, 2)).transactions(80);
  pgveil.process.kill('SIGCONT');
  await pgveil.exits(3);
  assert.match(pgveil.process.output, /history_changed/);
  await refuses(trial, kafka);

  const accepted = await trial.command(['run', '--accept-source', '--until-caught-up']);
  assert.equal(accepted.code, 0, accepted.stderr);
  await assertThreeEqual(trial, kafka);
});

test('another database of the same server is not taken for the one before', async () => {
  await using servers = await Servers.start();
  await using kafka = await startOwnKafka();
  await using trial = await threeSinks(servers, kafka);
  await trial.catchUp();
  const url = await createDatabase(servers.source, 'another');
  await servers.source.query(SETUP, { database: 'another' });
  await refuses(trial, kafka, { source: { url, slot: 'pgveil_another' } });
});
