import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { checkSource } from '../../../../connectors/postgres/check/check.ts';
import { endSession, openReader, streamName } from '../../../../connectors/postgres/session.ts';
import { SyncState } from '../../../../connectors/postgres/slot/sync-state.ts';
import { Receiver } from '../../../../connectors/postgres/stream/receiver.ts';
import { parseLsn } from '../../../../src/core/lsn.ts';
import type { WalAlarm } from '../../../../src/core/observer.ts';
import { Secret } from '../../../../src/core/secret.ts';
import { forMajors } from '../../../support/postgres/majors.ts';
import { type PostgresServer, startPostgres } from '../../../support/postgres/postgres.ts';
import { until } from '../../../support/wait.ts';
import { ask } from '../parts.ts';

forMajors('synchronous standbys', {}, (major) => {
  let server: PostgresServer;
  before(async () => {
    // While names stand there every commit waits for somebody of that name: nobody else may share this server.
    server = await startPostgres({ major, settings: { wal_level: 'logical' }, own: true });
    await server.query('CREATE TABLE t (id int PRIMARY KEY); CREATE PUBLICATION veil FOR TABLE t');
    await server.query("SELECT pg_create_logical_replication_slot('veil', 'pgoutput')");
  });
  after(() => server[Symbol.asyncDispose]());

  const name = async (names: string) => {
    await server.query(`ALTER SYSTEM SET synchronous_standby_names = '${names}'`);
    await server.query('SELECT pg_reload_conf()');
    const now = async () =>
      (await server.query('SHOW synchronous_standby_names'))[0].synchronous_standby_names === names;
    await until(now, { what: `the names ${names}` });
  };

  test('check finds them where they count pgveil in, and not where they name others', async () => {
    const expected = { publication: 'veil', slot: 'veil', failover: null, stream: streamName('shop') };
    const found = () => checkSource({ ...expected, url: new Secret(server.url()), tables: ask('public.t') });
    const codes = async () => (await found()).map(({ code }) => code);
    assert.deepEqual(await codes(), []);
    for (const names of ['*', 'ANY 1 (other, "pgveil shop stream")']) {
      await name(names);
      assert.deepEqual(await codes(), ['sync_standby'], names);
    }
    await name('FIRST 1 (other, "pgveil shop")');
    assert.deepEqual(await codes(), []);
    await name('');
  });

  test('whoever reads from the slot is told of as long as the server counts it among them', async () => {
    const told: WalAlarm[] = [];
    const state = new SyncState('veil', (alarm) => told.push(alarm));
    const client = await openReader(new Secret(server.url()), 'test');
    const look = async (times: number) => {
      await state.look(client);
      return told.length === times;
    };
    await look(0);
    const receiver = await Receiver.open(new Secret(server.url()), streamName('shop'));
    await receiver.start('veil', 'veil');
    receiver.listen({ message: () => null, keepalive: () => {}, tick: () => false, failed: () => {} });
    const [{ lsn }] = await server.query('SELECT pg_current_wal_flush_lsn() AS lsn');
    receiver.ack(parseLsn(lsn));
    await look(0);
    assert.deepEqual(told, []);
    await name('*');
    await until(() => look(1), { what: 'the alarm' });
    await name('');
    await until(() => look(2), { what: 'its end' });
    await name('*');
    await until(() => look(3), { what: 'the alarm again' });
    state.end();
    state.end();
    await name('');
    assert.deepEqual(
      told.map(({ slot, code, isOver }) => [slot, code, isOver]),
      [false, true, false, true].map((isOver) => ['veil', 'sync_standby', isOver]),
    );
    await receiver.close();
    await endSession(client);
  });
});
