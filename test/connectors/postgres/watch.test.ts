import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Watch } from '../../../connectors/postgres/watch.ts';
import type { Observation } from '../../../src/core/observer.ts';
import { Secret } from '../../../src/core/secret.ts';
import { forMajors } from '../../support/majors.ts';
import { type PostgresServer, startPostgres } from '../../support/postgres.ts';
import { until } from '../../support/wait.ts';

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
    return Watch.open(new Secret(server.url()), pipeline, (observation) => told.push(observation), signal);
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
    assert.deepEqual(told, [{ type: 'waiting', what: 'another instance of this pipeline to end' }]);
    await first.close();
    await (await second).close();
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

  test('a watch that was closed is not lost', async () => {
    const watch = await open('shop');
    await watch.close();
    assert.equal(watch.lost.aborted, false);
  });

  test('a server that is not there is source_away', async () => {
    const away = new Secret('postgres://postgres@127.0.0.1:1/postgres');
    await assert.rejects(
      Watch.open(away, 'shop', () => {}, never),
      { code: 'source_away' },
    );
  });
});
