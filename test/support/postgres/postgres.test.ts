import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { forMajors } from './majors.ts';
import { createDatabase, type PostgresServer, startPostgres } from './postgres.ts';

forMajors('a server', { core: true }, (major) => {
  let server: PostgresServer;
  before(async () => {
    server = await startPostgres({ major, settings: { wal_level: 'logical' } });
  });
  after(() => server[Symbol.asyncDispose]());

  test('is of the major that was asked for, and durable by default', async () => {
    const [row] = await server.query(`
      SELECT current_setting('server_version_num')::int / 10000 AS major, current_setting('fsync') AS fsync`);
    assert.deepEqual(row, { major, fsync: 'on' });
  });

  test('decodes its WAL logically', async () => {
    await createDatabase(server, 'decoded');
    const database = 'decoded';
    const slot = `decoded_${major}`;
    await server.query(`SELECT pg_create_logical_replication_slot('${slot}', 'pgoutput')`, { database });
    await server.query('CREATE TABLE t (id int PRIMARY KEY); CREATE PUBLICATION p FOR TABLE t', { database });
    await server.query('INSERT INTO t VALUES (1)', { database });
    const messages = await server.query(
      `SELECT encode(substring(data from 1 for 1), 'escape') AS kind
         FROM pg_logical_slot_get_binary_changes('${slot}', NULL, NULL, 'proto_version', '1', 'publication_names', 'p')`,
      { database },
    );
    const kinds = messages.map(({ kind }) => kind).join('');
    assert.match(kinds, /^(BC)*BRIC$/); // Postgres 14 sends empty transactions, too
    await server.query(`SELECT pg_drop_replication_slot('${slot}')`, { database });
  });

  test('has the contrib types that the scenarios use', async () => {
    await createDatabase(server, 'contrib');
    await server.query('CREATE EXTENSION citext; CREATE EXTENSION hstore; CREATE EXTENSION ltree', {
      database: 'contrib',
    });
  });
});

for (const mode of ['smart', 'fast', 'immediate'] as const) {
  test(`keeps its data, address and settings over a stop in ${mode} mode`, async () => {
    await using server = await startPostgres({ own: true, settings: { work_mem: '7MB' } });
    await server.query('CREATE TABLE t AS SELECT 42 AS answer');
    const { pid } = server;
    const url = server.url();
    await server.stop(mode);
    await assert.rejects(server.query('SELECT 1'), { code: 'ECONNREFUSED' });
    assert.throws(() => server.pid, /not running/);
    await server.start();
    assert.notEqual(server.pid, pid);
    assert.equal(server.url(), url);
    assert.deepEqual(await server.query('SELECT answer FROM t'), [{ answer: 42 }]);
    assert.deepEqual(await server.query('SHOW work_mem'), [{ work_mem: '7MB' }]);
    if (mode === 'immediate') assert.match(await server.log(), /automatic recovery in progress/);
  });
}

test('leaves neither process nor file behind', async () => {
  let pid: number;
  let directory: string;
  {
    await using server = await startPostgres({ own: true });
    ({ pid, dataDirectory: directory } = server);
    assert.ok(existsSync(directory));
  }
  assert.throws(() => process.kill(pid, 0), { code: 'ESRCH' });
  assert.equal(existsSync(directory), false);
});

test('says why it does not start', async () => {
  const starting = startPostgres({ own: true, settings: { wal_level: 'no_such_level' } });
  await assert.rejects(starting, /ended while it was starting; its log ends with.*no_such_level/s);
});

test('a session that outlives its server ends nothing but itself', async () => {
  await using server = await startPostgres({ own: true });
  const client = await server.connect();
  await server.stop('immediate');
  await assert.rejects(client.query('SELECT 1'));
});

test('two servers at once do not meet', async () => {
  const [one, other] = await Promise.all([startPostgres({ own: true }), startPostgres({ own: true })]);
  try {
    await createDatabase(one, 'Only "here"');
    assert.deepEqual(await one.query('SELECT 1 AS here', { database: 'Only "here"' }), [{ here: 1 }]);
    await assert.rejects(other.query('SELECT 1', { database: 'Only "here"' }), { code: '3D000' });
  } finally {
    await Promise.all([one[Symbol.asyncDispose](), other[Symbol.asyncDispose]()]);
  }
});
