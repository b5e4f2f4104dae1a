import assert from 'node:assert/strict';
import { test } from 'node:test';
import { differences } from '../support/judge/oracle.ts';
import { startOwnKafka } from '../support/kafka/kafka.ts';
import { topicDifferences } from '../support/kafka/topics.ts';
import { lakeDifferences, lakeOf } from '../support/lake/lake.ts';
import { tables } from '../support/lake/shop.ts';
import { copyData, replaceData, writeData } from '../support/postgres/data.ts';
import { forMajors } from '../support/postgres/majors.ts';
import { type PostgresServer, startPostgres } from '../support/postgres/postgres.ts';
import { RandomChanges } from '../support/random/changes.ts';
import { Random } from '../support/random/prng.ts';
import { TcpProxy } from '../support/servers/tcp-proxy.ts';
import { Servers } from '../support/trial/servers.ts';
import { threeSinks } from '../support/trial/three-sinks.ts';
import { lsn, type Trial } from '../support/trial/trial.ts';
import { until } from '../support/wait.ts';

// A source with a standby that keeps the slot, one address for both, and three sinks.

const PATIENCE_MS = 180_000;
/** As docs/08-operations.md asks for. What the new primary would wait for is nobody: its predecessor's setting came with the copy. */
const STANDBY = {
  wal_level: 'logical',
  sync_replication_slots: 'on',
  hot_standby_feedback: 'on',
  primary_slot_name: 'standby',
  max_replication_slots: '20', // no fewer than the primary's
  max_wal_senders: '20',
  synchronized_standby_slots: '',
};

/** A standby of the server, which is stopped for a moment. */
async function standbyOf(primary: PostgresServer): Promise<PostgresServer> {
  await primary.query(`SELECT pg_create_physical_replication_slot('standby', true)`);
  await primary.query(`ALTER SYSTEM SET synchronized_standby_slots = 'standby'`);
  const primary_conninfo = `host=127.0.0.1 port=${primary.port} user=postgres dbname=postgres`;
  const { major } = primary;
  const standby = await startPostgres({ major, settings: { ...STANDBY, primary_conninfo }, own: true });
  await Promise.all([primary.stop(), standby.stop()]);
  replaceData(standby, copyData(primary));
  writeData(standby, 'standby.signal', '');
  await primary.start();
  await standby.start();
  return standby;
}

/** How far the standby’s copy of the slot has come; null while it has none that a promotion would keep. */
async function keptAt(standby: PostgresServer, slot: string): Promise<bigint | null> {
  const sql = `SELECT confirmed_flush_lsn AS pos FROM pg_replication_slots WHERE slot_name = $1 AND synced AND NOT temporary`;
  const [found] = await standby.query<{ pos: string | null }>(sql, { values: [slot] });
  return found?.pos ? lsn(found.pos) : null;
}

async function change(trial: Trial, url: string, seed: number, transactions: number): Promise<void> {
  const changes = await RandomChanges.open(trial.source, url, new Random(seed), Object.keys(tables));
  await changes.transactions(transactions);
}

forMajors('a standby that keeps the slot', { since: 17 }, (major) => {
  test('is promoted: all three sinks go on from it, and nothing is copied', async () => {
    await using servers = await Servers.start({ source: major });
    await using kafka = await startOwnKafka();
    await using trial = await threeSinks(servers, kafka);
    await using standby = await standbyOf(servers.source);
    await trial.reconnect();
    await using proxy = await TcpProxy.open();
    proxy.leadTo(servers.source.port);
    const { source } = trial.configuration() as { source: { url: string } };
    const url = Object.assign(new URL(source.url), { port: String(proxy.port) }).href;
    const pgveil = await trial.run({ configuration: { source: { ...source, url } } });
    await pgveil.isReady(PATIENCE_MS);

    await change(trial, trial.sourceUrl, 1, 50);
    await trial.holdsAll(pgveil, PATIENCE_MS);
    const end = await trial.sourceEnd();
    const follows = async () => {
      await trial.source.query('SELECT pg_log_standby_snapshot()'); // from one to the next a slot moves
      await trial.holdsAll(pgveil, PATIENCE_MS);
      return ((await keptAt(standby, trial.slot)) ?? 0n) >= end;
    };
    await until(follows, { what: 'the standby to keep the slot', timeout: PATIENCE_MS, interval: 500 });

    await trial.source.end();
    await servers.source.stop('immediate');
    await standby.query('SELECT pg_promote()');
    proxy.leadTo(standby.port);
    trial.source = await standby.connect(trial.name);
    await change(trial, standby.url(trial.name), 2, 50);
    const { tables: found } = await trial.holdsAll(pgveil, PATIENCE_MS);
    assert.deepEqual(new Set(Object.values(found).map(({ generation }) => generation)), new Set([1]));
    await pgveil.stop();

    const sides = { source: standby.url(trial.name), twin: trial.twinUrl, tables: trial.tables, key: trial.key };
    assert.deepEqual(await differences(sides), []);
    assert.deepEqual(await lakeDifferences(lakeOf(trial), trial.twin, Object.keys(tables)), []);
    const topics = { brokers: kafka.brokers, pipeline: trial.name };
    assert.deepEqual(await topicDifferences(topics, trial.twin, Object.keys(tables)), []);
    await servers.source.start(); // the trial drops its slot there
  });
});
