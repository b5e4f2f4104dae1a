import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import type { Tables } from '../support/judge/decisions.ts';
import { Servers } from '../support/trial/servers.ts';
import { until } from '../support/wait.ts';

const servers = await Servers.start();
after(() => servers[Symbol.asyncDispose]());

const SETUP = `
  CREATE TABLE person (id integer PRIMARY KEY, name text);
  INSERT INTO person SELECT i, 'p' || i FROM generate_series(1, 10) i;
  CREATE TABLE visit (id integer PRIMARY KEY, v text);
  INSERT INTO visit VALUES (1, 'v')`;
const tables: Tables = {
  'public.person': { columns: { id: 'keep', name: 'keep' } },
  'public.visit': { columns: { id: 'keep', v: 'keep' } },
};

test('status without a process reads what is stored', async () => {
  await using trial = await servers.trial(SETUP, tables);
  await trial.catchUp();
  const { code, stdout } = await trial.command(['status', '--json']);
  const status = JSON.parse(stdout);
  assert.equal(code, 0);
  assert.equal(status.running, false);
  assert.match(status.position, /^[0-9A-F]+\/[0-9A-F]+$/);
  assert.equal(status.tables['public.person'].state, 'streaming');
  assert.equal((await trial.command(['status'])).code, 0);
});

test('status of a running process says so', async () => {
  await using trial = await servers.trial(SETUP, tables);
  await trial.stream();
  const { stdout } = await trial.command(['status', '--json']);
  assert.equal(JSON.parse(stdout).running, true);
});

test('drop takes slot and publication away, with --data the twin too, and nothing that others made', async () => {
  await using trial = await servers.trial(SETUP, tables);
  await trial.catchUp();
  await trial.twin.query('CREATE TABLE mine (id integer)');
  assert.equal((await trial.command(['drop'])).code, 2, 'without a terminal it must not guess the answer');
  assert.equal((await trial.command(['drop', '--yes'])).code, 0);
  assert.equal((await trial.twin.query('SELECT * FROM person')).rowCount, 10);
  assert.equal(await trial.confirmed(), null);
  assert.equal((await trial.command(['drop', '--yes', '--data'])).code, 0);
  await trial.twin.query('DROP TABLE mine');
  await trial.assertNothingMade();
  await trial.catchUp();
  await trial.assertEqual();
});

test('SIGTERM and SIGINT end a run with 0 within ten seconds, also in the copy and while the twin is blocked', async () => {
  await using trial = await servers.trial(SETUP, tables);
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    const service = await trial.stream();
    await trial.twin.query('BEGIN; LOCK TABLE person IN ACCESS EXCLUSIVE MODE');
    await trial.source.query(`UPDATE person SET name = '${signal}'`);
    service.process.kill(signal);
    await service.exits(0, 10_000);
    await trial.twin.query('ROLLBACK');
  }
  const copying = await trial.run();
  await copying.process.waitForOutput(/\w/);
  await copying.stop();
  await trial.catchUp();
  await trial.assertEqual();
});

test('a second signal ends a run at once, and nothing of it is lost or half done', async () => {
  await using trial = await servers.trial(SETUP, tables);
  const service = await trial.stream();
  await trial.twin.query('BEGIN; LOCK TABLE person IN ACCESS EXCLUSIVE MODE');
  await trial.source.query(`UPDATE person SET name = 'twice'`);
  await service.reaches('the change in hand', ({ sinks }) => sinks.twin!.lag_ms! > 0);
  service.process.kill('SIGTERM');
  await service.process.waitForOutput(/asked to end/);
  service.process.kill('SIGTERM');
  await service.exits(1, 5_000);
  await trial.twin.query('ROLLBACK');
  await trial.catchUp();
  await trial.assertEqual();
});

test('the only sink lags more and more while it is away, and status without a process shows the rest', async () => {
  await using trial = await servers.trial(SETUP, tables);
  const service = await trial.stream();
  const lag = async () => (await service.status()).sinks.twin!.lag_ms;
  await servers.twin.stop();
  try {
    // Whoever has nothing to write does not notice.
    await trial.source.query(`UPDATE person SET name = 'late'`);
    await service.reaches('the twin parked', ({ sinks }) => sinks.twin!.state === 'parked');
    const first = await until(lag, { what: 'a lag' });
    let last = first;
    await until(
      async () => {
        const now = (await lag())!;
        assert.ok(now >= last, `a lag of ${now} ms after one of ${last} ms`);
        last = now;
        return now > first + 3_000;
      },
      { what: 'the lag to grow' },
    );
    assert.ok((await service.metric('pgveil_sink_lag_seconds{sink="twin"}'))! >= last / 1000);
    await service.stop();
    const { code, stdout } = await trial.command(['status', '--json']);
    const { sinks, slot } = JSON.parse(stdout);
    assert.deepEqual([code, sinks.twin.trouble.code, slot.wal_status], [0, 'twin_away', 'reserved']);
  } finally {
    await servers.twin.start();
    await trial.reconnect();
  }
  await using again = await trial.stream();
  const held = await again.reaches('no lag', ({ sinks }) => sinks.twin!.lag_ms === 0);
  assert.equal(held.sinks.twin!.state, 'live');
  await trial.assertEqual();
});

test('a large transaction lags from its commit on, while it is still coming in', async () => {
  await using trial = await servers.trial(SETUP, tables);
  await using service = await trial.stream();
  await service.reaches('no lag', ({ sinks }) => sinks.twin!.lag_ms === 0);
  await trial.twin.query('BEGIN; LOCK TABLE visit IN ACCESS EXCLUSIVE MODE');
  const text = `repeat('v', 1000)`;
  await trial.source.query(`INSERT INTO visit SELECT i, ${text} FROM generate_series(2, 100000) i`);
  await service.reaches('a lag', ({ sinks }) => sinks.twin!.lag_ms! > 1_000);
  await trial.twin.query('ROLLBACK');
  await service.reaches('no lag', ({ sinks }) => sinks.twin!.lag_ms === 0);
});

test('--until-caught-up ends with 1 when the source stays away for --timeout', async () => {
  await using trial = await servers.trial(SETUP, tables);
  await trial.catchUp();
  await servers.source.stop();
  try {
    const { code, stdout, stderr } = await trial.command(['run', '--until-caught-up', '--timeout', '2s']);
    assert.equal(code, 1, stdout + stderr);
  } finally {
    await servers.source.start();
    await trial.reconnect();
  }
});

test('a run waits for a source and a twin that are not there yet', async () => {
  await using trial = await servers.trial(SETUP, tables);
  await servers.source.stop();
  await servers.twin.stop();
  const service = await trial.run();
  await service.process.waitForOutput(/_away/);
  await servers.source.start();
  await servers.twin.start();
  await trial.reconnect();
  await service.isReady();
  await trial.assertEqual();
});
