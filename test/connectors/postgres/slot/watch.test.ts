import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { ask } from '../../../../connectors/postgres/session.ts';
import { Watch } from '../../../../connectors/postgres/slot/watch.ts';
import type { Observation, SlotSeen } from '../../../../src/core/observer.ts';
import { Secret } from '../../../../src/core/secret.ts';
import { forMajors } from '../../../support/postgres/majors.ts';
import { type PostgresServer, startPostgres } from '../../../support/postgres/postgres.ts';
import { until } from '../../../support/wait.ts';

const unused = { drop: async () => {} };

forMajors('the watch', {}, (major) => {
  let server: PostgresServer;
  before(async () => {
    server = await startPostgres({ major, settings: { wal_level: 'logical' } });
  });
  after(async () => {
    await server[Symbol.asyncDispose]();
  });

  const never = new AbortController().signal;

  function open(pipeline: string, told: Observation[] = [], signal = never): Promise<Watch> {
    const observe = (observation: Observation) => void told.push(observation);
    return Watch.open({ url: new Secret(server.url()), pipeline, slot: 'veil', unused, observe }, signal);
  }

  test('a second instance waits, says so once, and takes over when the first is gone', async () => {
    const first = await open('shop');
    const told: Observation[] = [];
    let over = false;
    const second = open('shop', told).then((watch) => {
      over = true;
      return watch;
    });
    await until(() => told.length > 0, { what: 'the second to say that it waits' });
    await server.query('SELECT pg_sleep(2)');
    assert.equal(over, false);
    const [{ pid, address }] = await server.query(
      `SELECT pid, host(client_addr) AS address FROM pg_locks JOIN pg_stat_activity USING (pid) WHERE locktype = 'advisory' AND granted`,
    );
    const holder = `pid ${pid} on the source${address ? `, from ${address}` : ''}`;
    assert.deepEqual(told, [
      { type: 'waiting', for: 'instance', what: `another instance of this pipeline to end (${holder})` },
    ]);
    await first.close();
    await (await second).close();
  });

  test('a server that hears nothing of an instance lets go of its lock', async (t) => {
    t.mock.timers.enable({ apis: ['setInterval'] }); // no beat comes by itself
    const first = await open('shop');
    const shown = await first.use((client) => ask(client, 'SHOW idle_session_timeout'));
    assert.deepEqual(shown, [{ idle_session_timeout: '1min' }]);
    const second = open('shop');
    await first.use((client) => ask(client, `SET idle_session_timeout = '100ms'`));
    await (await second).close();
    await until(() => first.lost.aborted, { what: 'the first one to hear of it' });
    assert.equal(first.lost.reason.code, 'source_away');
    assert.match(first.lost.reason.message, /57P05/);
    await first.close();
  });

  test('a second instance takes over when the first was killed without a word', async () => {
    const first = await open('shop');
    const second = open('shop');
    await server.query(`SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND granted`);
    await (await second).close();
    assert.equal(first.lost.aborted, true);
    assert.equal(first.lost.reason.code, 'source_closing');
    await first.close();
  });

  test('pipelines of different names do not wait for each other', async () => {
    const watches = await Promise.all([open('shop'), open('shop2'), open('')]);
    for (const watch of watches) await watch.close();
  });

  test('the wait ends with the reason of its signal, and leaves no session behind', async () => {
    const first = await open('shop');
    const stop = new AbortController();
    const told: Observation[] = [];
    const second = open('shop', told, stop.signal);
    await until(() => told.length > 0, { what: 'the second to wait' });
    const reason = new Error('stop');
    stop.abort(reason);
    await assert.rejects(second, reason);
    await first.close();
    const sessions = async () =>
      Number(
        (await server.query(`SELECT count(*) FROM pg_stat_activity WHERE application_name = 'pgveil shop'`))[0].count,
      );
    await until(async () => (await sessions()) === 0, { what: 'the sessions to end' });
  });

  test('the slot is told of at the take-over and at every beat, and not by an instance that waits', async (t) => {
    t.mock.timers.enable({ apis: ['setInterval'] });
    const told: Observation[] = [];
    const first = await open('shop', told);
    assert.equal(told.length, 0, 'there is none yet');
    await server.query("SELECT pg_create_logical_replication_slot('veil', 'pgoutput')");
    const waiting: Observation[] = [];
    const second = open('shop', waiting);
    await until(() => waiting.length > 0, { what: 'the second to wait' });
    t.mock.timers.tick(10_000);
    const slot = await until(() => told[0], { what: 'the slot' });
    assert.ok(slot?.type === 'slot' && slot.end > 0n && slot.retainedBytes !== null && slot.retainedBytes >= 0);
    assert.equal(slot.walStatus, 'reserved');
    assert.equal(waiting.length, 1);
    await first.close();
    await (await second).close();
    assert.deepEqual(
      waiting.map(({ type }) => type),
      ['waiting', 'slot'],
    );
    await server.query("SELECT pg_drop_replication_slot('veil')");
  });

  test('the slot of a copy is told of as long as it is followed, and that it is gone', async (t) => {
    t.mock.timers.enable({ apis: ['setInterval'] });
    const watch = await open('shop');
    const told: (SlotSeen | null)[] = [];
    const unfollow = watch.follow('copy', (seen) => told.push(seen));
    const beat = async (times: number) => {
      t.mock.timers.tick(10_000);
      await until(() => told.length === times, { what: 'a look' });
    };
    await server.query("SELECT pg_create_logical_replication_slot('copy', 'pgoutput')");
    await beat(1);
    assert.equal(told[0]!.name, 'copy');
    await server.query("SELECT pg_drop_replication_slot('copy')");
    await beat(2);
    assert.equal(told[1], null);
    unfollow();
    t.mock.timers.tick(10_000);
    for (let question = 0; question < 4; question++) await watch.use(async () => {});
    assert.equal(told.length, 2);
    await watch.close();
  });

  test('a watch that was closed is not lost', async () => {
    const watch = await open('shop');
    await watch.close();
    assert.equal(watch.lost.aborted, false);
  });

  test('a server that is not there is source_away', async () => {
    const away = new Secret('postgres://postgres@127.0.0.1:1/postgres');
    await assert.rejects(Watch.open({ url: away, pipeline: 'shop', slot: 'veil', unused, observe: () => {} }, never), {
      code: 'source_away',
    });
  });
});
