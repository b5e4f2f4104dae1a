import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Secret } from '../../../src/core/secret.ts';
import { connect } from '../../../src/postgres/connection.ts';
import { forMajors } from '../../support/postgres/majors.ts';
import { createDatabase, type PostgresServer, startPostgres } from '../../support/postgres/postgres.ts';

forMajors('a connection under a URL with options', { core: true }, (major) => {
  let server: PostgresServer;
  before(async () => {
    server = await startPostgres({ major, settings: { wal_level: 'logical' } });
  });
  after(() => server[Symbol.asyncDispose]());

  const THEIRS =
    '-c timezone=Asia/Tokyo -c row_security=on -c search_path=public -c statement_timeout=1 -c work_mem=5MB';
  const open = async (database: string, user: string, purpose: 'read' | 'replication' | 'write') => {
    const url = new URL(await createDatabase(server, database));
    url.username = user;
    url.search = new URLSearchParams({
      ...{ options: THEIRS, replication: 'false', lock_timeout: '1', idle_in_transaction_session_timeout: '1' },
      ...{ statement_timeout: '1', query_timeout: '1', client_encoding: 'LATIN1' },
    }).toString();
    return await connect({ url: new Secret(url.href), side: 'source', purpose, name: 'pgveil test' });
  };

  test('the URL’s options count where pgveil says nothing, and nowhere else', async () => {
    for (const purpose of ['read', 'replication', 'write'] as const) {
      const client = await open(`options_${purpose}`, new URL(server.url()).username, purpose);
      const { rows } =
        await client.query(`SELECT current_setting('timezone') AS timezone, current_setting('search_path') AS path,
        current_setting('statement_timeout') AS statement, current_setting('idle_in_transaction_session_timeout') AS idle,
        current_setting('client_encoding') AS encoding, current_setting('work_mem') AS memory`);
      const common = { timezone: 'UTC', path: '', statement: '0', idle: '0', encoding: 'UTF8', memory: '5MB' };
      assert.deepEqual({ ...rows[0] }, common, purpose);
      if (purpose === 'replication') await client.query('IDENTIFY_SYSTEM');
      await client.end();
    }
  });

  test('row-level security stays an error', async () => {
    const role = `reader_${process.pid}`;
    await server.query(`CREATE ROLE ${role} LOGIN`);
    const client = await open('row_security', role, 'read');
    await server.query(
      'CREATE TABLE t (id int); ALTER TABLE t ENABLE ROW LEVEL SECURITY; GRANT SELECT ON t TO PUBLIC; INSERT INTO t VALUES (1)',
      { database: 'row_security' },
    );
    await assert.rejects(() => client.query('SELECT FROM public.t'), { code: '42501' });
    await assert.rejects(() => client.query('CREATE TABLE public.u ()'), { code: '25006' });
    await client.end();
    await server.query(`DROP OWNED BY ${role}`, { database: 'row_security' });
    await server.query(`DROP ROLE ${role}`);
  });
});
