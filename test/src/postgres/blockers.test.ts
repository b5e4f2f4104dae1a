import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type pg from 'pg';
import { type Blocker, blockersOf } from '../../../src/postgres/blockers.ts';
import { forMajors } from '../../support/postgres/majors.ts';
import { type PostgresServer, startPostgres } from '../../support/postgres/postgres.ts';
import { until } from '../../support/wait.ts';

forMajors('who holds the lock that a session waits for', { core: true }, (major) => {
  let server: PostgresServer;
  before(async () => {
    server = await startPostgres({ major, settings: { max_prepared_transactions: '1' } });
    await server.query('CREATE TABLE t (id int); CREATE ROLE bystander LOGIN');
  });
  after(() => server[Symbol.asyncDispose]());

  const session = async () => {
    const client = await server.connect();
    const { rows } = await client.query('SELECT pg_backend_pid() AS pid');
    return { client, pid: String(rows[0].pid) };
  };
  /** Those that are told, once it waits. */
  const seen = (asker: pg.Client, pid: string): Promise<readonly Blocker[]> =>
    until(
      async () => {
        const found = await blockersOf(asker, pid, 5_000);
        return found.length > 0 && found;
      },
      { what: 'it to wait' },
    );

  test('is told by those at the head of the line, also to a role that may not see more', async () => {
    const [holder, next, last] = [await session(), await session(), await session()];
    const user = new URL(server.url()).username;
    await holder.client.query(`SET application_name = 'the report'; BEGIN; SELECT FROM t`);
    const altering = next.client.query('ALTER TABLE t ADD n int');
    await seen(holder.client, next.pid);
    const inserting = last.client.query('INSERT INTO t VALUES (1)');
    const [head, ...others] = await seen(holder.client, last.pid);
    assert.deepEqual([head, others], [{ pid: holder.pid, gid: null, application: 'the report', user }, []]);
    await holder.client.query('SET ROLE bystander');
    assert.deepEqual(
      (await seen(holder.client, last.pid)).map(({ pid }) => pid),
      [holder.pid],
    );
    await holder.client.query('COMMIT; RESET ROLE');
    await Promise.all([altering, inserting]);
    assert.deepEqual(await blockersOf(holder.client, last.pid, 5_000), []);
    for (const { client } of [holder, next, last]) await client.end();
  });

  test('is 0 for a prepared transaction, which has a name, whether it is waited for by way of another one or not', async () => {
    const [holder, waiter] = [await session(), await session()];
    await holder.client.query(`BEGIN; LOCK TABLE t; PREPARE TRANSACTION 'left'`);
    const inserting = waiter.client.query('INSERT INTO t VALUES (1)');
    const prepared = [{ pid: '0', gid: 'left', application: null, user: null }];
    assert.deepEqual(await seen(holder.client, waiter.pid), prepared);
    const last = await session();
    const altering = last.client.query('ALTER TABLE t ADD m int');
    assert.deepEqual(await seen(holder.client, last.pid), prepared);
    await holder.client.query(`ROLLBACK PREPARED 'left'`);
    await Promise.all([inserting, altering]);
    for (const { client } of [holder, waiter, last]) await client.end();
  });
});
