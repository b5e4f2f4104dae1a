import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chownSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { type KafkaServer, startOwnKafka } from '../support/kafka.ts';
import { topicDifferences } from '../support/kafka-topics.ts';
import { lakeDifferences, lakeOf } from '../support/lake.ts';
import { changesOf, SETUP, tables } from '../support/lake-shop.ts';
import { forMajors } from '../support/majors.ts';
import { differences } from '../support/oracle.ts';
import { createDatabase, type PostgresServer, startPostgres } from '../support/postgres.ts';
import { Random } from '../support/prng.ts';
import { RandomChanges } from '../support/random-changes.ts';
import { Servers } from '../support/servers.ts';
import { assertThreeEqual, stateOf, streamThree, threeSinks } from '../support/three-sinks.ts';
import type { Trial } from '../support/trial.ts';
import { KEY } from '../support/trial-configuration.ts';
import { until } from '../support/wait.ts';

// What the source can become while three sinks hold what it was. test/connectors/postgres/recopy/restore.test.ts has more of it, for the
// source alone. Each test has servers and brokers of its own: a trial of another source has the same name.

/** Puts a copy of the stopped server's data directory beside it, or back in its place. */
function copyData({ dataDirectory }: PostgresServer, from = dataDirectory, to = `${dataDirectory}.earlier`): string {
  rmSync(to, { recursive: true, force: true });
  execFileSync('cp', ['-a', from, to]);
  return to;
}

/** It says so, ends with 3, and none of the sinks got anything. */
async function refuses(trial: Trial, kafka: KafkaServer, configuration: Record<string, unknown> = {}): Promise<void> {
  const before = await stateOf(trial, kafka);
  const file = await trial.write({ ...trial.configuration(), ...configuration });
  const { code, stderr, stdout } = await trial.pgveil(['run', '-c', file], 90_000);
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
  await trial.holdsAll(pgveil, 120_000);
  await servers.source.stop();
  const earlier = copyData(servers.source);
  await servers.source.start();
  await trial.reconnect();
  await (await changesOf(trial, 1)).transactions(50);
  await trial.holdsAll(pgveil, 120_000);

  pgveil.process.kill('SIGSTOP'); // what it writes when the source goes is its own affair
  await servers.source.stop('immediate');
  copyData(servers.source, earlier, servers.source.dataDirectory);
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

forMajors('a standby that keeps the slot', { core: true, since: 17 }, (major) => {
  const settings = {
    wal_level: 'logical',
    hot_standby_feedback: 'on',
    sync_replication_slots: 'on',
    max_replication_slots: '20',
    max_wal_senders: '20',
  };

  /** A standby of the server, which is stopped for a moment. */
  async function standbyOf(primary: PostgresServer): Promise<PostgresServer> {
    await primary.query(`SELECT pg_create_physical_replication_slot('standby', true)`);
    await primary.query(`ALTER SYSTEM SET synchronized_standby_slots = 'standby'`);
    await primary.stop();
    const conninfo = `host=127.0.0.1 port=${primary.port} user=postgres dbname=postgres`;
    const own = { ...settings, primary_conninfo: conninfo, primary_slot_name: 'standby' };
    const standby = await startPostgres({ major, settings: own, own: true });
    await standby.stop();
    const { uid, gid } = statSync(standby.dataDirectory);
    copyData(primary, primary.dataDirectory, standby.dataDirectory);
    const signal = join(standby.dataDirectory, 'standby.signal');
    writeFileSync(signal, '');
    chownSync(signal, uid, gid);
    await primary.start();
    await standby.start();
    return standby;
  }

  test('is promoted: all three sinks go on from it without a copy', async () => {
    await using servers = await Servers.start({ source: major });
    await using kafka = await startOwnKafka();
    await using trial = await threeSinks(servers, kafka);
    await using standby = await standbyOf(servers.source);
    await trial.reconnect();
    const first = await streamThree(trial);
    const changes = await changesOf(trial, 3);
    const isKept = async () => {
      await changes.transactions(5);
      await trial.source.query('SELECT pg_log_standby_snapshot()');
      const sql = 'SELECT synced AND NOT temporary AS kept FROM pg_replication_slots WHERE slot_name = $1';
      return (await standby.query(sql, { values: [trial.slot] }))[0]?.kept === true;
    };
    await until(isKept, { what: 'the standby to keep the slot', timeout: 120_000, interval: 1_000 });
    await changes.transactions(50);
    const { tables: before } = await trial.holdsAll(first, 120_000);
    const end = await trial.sourceEnd();
    const follows = async () => {
      const sql = `SELECT confirmed_flush_lsn >= $2::pg_lsn AS follows FROM pg_replication_slots WHERE slot_name = $1`;
      const lsn = `${(end >> 32n).toString(16)}/${(end & 0xffffffffn).toString(16)}`;
      return (await standby.query(sql, { values: [trial.slot, lsn] }))[0]?.follows === true;
    };
    await until(follows, { what: 'the slot there to follow', timeout: 120_000, interval: 500 });
    await first.stop();
    await changes.transactions(20);
    await servers.source.stop('fast');
    await standby.query('SELECT pg_promote()');

    const source = { ...(trial.configuration().source as object), url: standby.url(trial.name) };
    const second = await trial.run({ configuration: { source } });
    await second.isReady(180_000);
    await using client = await standby.connect(trial.name);
    const names = Object.keys(tables);
    const later = await RandomChanges.open(client, standby.url(trial.name), new Random(4), names);
    await later.transactions(50);
    const file = await trial.write({ ...trial.configuration(), source }, 'promoted.yaml');
    await second.stop();
    const caughtUp = await trial.pgveil(['run', '--until-caught-up', '-c', file], 120_000);
    assert.equal(caughtUp.code, 0, caughtUp.stdout + caughtUp.stderr);

    const found = { source: standby.url(trial.name), twin: trial.twinUrl, tables: trial.tables, key: KEY };
    assert.deepEqual(await differences(found), []);
    assert.deepEqual(await lakeDifferences(lakeOf(trial), trial.twin, names), []);
    const topics = { brokers: kafka.brokers, pipeline: trial.name };
    assert.deepEqual(await topicDifferences(topics, trial.twin, names), []);
    assert.doesNotMatch(second.process.output + caughtUp.stdout, /a copy begins/);
    assert.ok(Object.values(before).every(({ generation }) => generation === 1));
    await servers.source.start(); // for the clean-up
  });
});
