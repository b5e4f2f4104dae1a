import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Secret } from '../../../src/core/secret.ts';
import { connect } from '../../../src/postgres/connection.ts';
import { startPostgres } from '../../support/postgres/postgres.ts';
import { TcpProxy } from '../../support/servers/tcp-proxy.ts';
import { until } from '../../support/wait.ts';

test('a statement on a connection that is half-open is told so, and one that is blocked is waited for', async () => {
  await using server = await startPostgres({ major: 18 });
  await using proxy = await TcpProxy.open();
  proxy.leadTo(server.port);
  const open = async (port: number) => {
    const url = new Secret(Object.assign(new URL(server.url()), { port: String(port) }).href);
    return await connect({ url, side: 'twin', purpose: 'write', name: 'pgveil test' });
  };
  const [lost, blocked] = [await open(proxy.port), await open(server.port)];
  await using locker = await server.connect();
  await locker.query('SELECT pg_advisory_lock(1)');
  const waiting = blocked.query('SELECT pg_advisory_lock(1)');
  const asked = lost.query('SELECT pg_advisory_lock(2)');
  proxy.stall();
  proxy.pass(); // lets new ones in; the old one is never heard of again
  const saw = asked.then(
    () => 'an answer',
    ({ code }) => code,
  );
  assert.equal(await until(() => saw, { what: 'it to be told' }), 'twin_away');
  await locker.query('SELECT pg_advisory_unlock(1)');
  assert.equal((await waiting).rowCount, 1);
  await blocked.end();
});
