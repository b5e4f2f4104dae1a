import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Secret } from '../../../src/core/secret.ts';
import type { Blocker } from '../../../src/postgres/blockers.ts';
import { connect } from '../../../src/postgres/connection.ts';
import { startPostgres } from '../../support/postgres/postgres.ts';
import { TcpProxy } from '../../support/servers/tcp-proxy.ts';
import { until } from '../../support/wait.ts';

test('a statement on a connection that is half-open is told so, and one that is blocked is waited for; who is in the way is told', async () => {
  await using server = await startPostgres({ major: 18 });
  await using proxy = await TcpProxy.open();
  proxy.leadTo(server.port);
  const told: (readonly Blocker[])[] = [];
  const blocked = (blockers: readonly Blocker[]) => void told.push(blockers);
  const open = async (port: number) => {
    const url = new Secret(Object.assign(new URL(server.url()), { port: String(port) }).href);
    return await connect({ url, side: 'twin', purpose: 'write', name: 'pgveil test', blocked });
  };
  const [lost, behind] = [await open(proxy.port), await open(server.port)];
  await using locker = await server.connect();
  await locker.query('SELECT pg_advisory_lock(1)');
  const waiting = behind.query('SELECT pg_advisory_lock(1)');
  const asked = lost.query('SELECT pg_advisory_lock(2)');
  proxy.stall();
  proxy.pass(); // lets new ones in; the old one is never heard of again
  const saw = asked.then(
    () => 'an answer',
    ({ code }) => code,
  );
  assert.equal(await until(() => saw, { what: 'it to be told' }), 'twin_away');
  const { rows } = await locker.query('SELECT pg_backend_pid() AS pid');
  const named = await until(() => told[0], { what: 'who is in the way to be told' });
  assert.deepEqual(
    named.map(({ pid }) => pid),
    [String(rows[0].pid)],
  );
  await locker.query('SELECT pg_advisory_unlock(1)');
  assert.equal((await waiting).rowCount, 1);
  await until(() => told.length > 1, { what: 'the end to be told' });
  assert.deepEqual(told.slice(1), [[]]);
  await behind.end();
});
