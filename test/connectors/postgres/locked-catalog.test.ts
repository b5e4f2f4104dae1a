import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { forMajors } from '../../support/postgres/majors.ts';
import { type PostgresServer, startPostgres } from '../../support/postgres/postgres.ts';
import { until } from '../../support/wait.ts';
import { Consumer, checkpointAtNewSlot, sourceOf } from './following.ts';
import { ask, Database, PreparedCopy } from './parts.ts';

forMajors('a catalog that somebody has locked', {}, (major) => {
  let server: PostgresServer;
  before(async () => {
    server = await startPostgres({ major, settings: { wal_level: 'logical', wal_writer_delay: '10ms', fsync: 'off' } });
  });
  after(async () => {
    await server[Symbol.asyncDispose]();
  });

  const walsender = async () =>
    (await server.query("SELECT pid, wait_event_type FROM pg_stat_activity WHERE backend_type = 'walsender'"))[0];

  test('no stream is given up for it, nor for a walsender that says nothing for half a minute', async () => {
    await server.query('CREATE TABLE t (id int PRIMARY KEY); CREATE PUBLICATION veil FOR TABLE t');
    const from = await checkpointAtNewSlot(server, ['public.t']);
    const { source, told } = sourceOf(server, ['public.t']);
    await using consumer = new Consumer(source, from);
    await consumer.caughtUp();
    const { pid } = await walsender();
    await using locker = await server.connect();
    // The looks at the catalog need it, and so does the walsender before it can tell whether a table is published.
    await locker.query('BEGIN; LOCK TABLE pg_catalog.pg_publication_rel IN ACCESS EXCLUSIVE MODE');
    await server.query('INSERT INTO t VALUES (1)');
    await until(async () => (await walsender()).wait_event_type === 'Lock', { what: 'the walsender to wait' });
    await locker.query('SELECT pg_sleep(33)');
    assert.equal(consumer.error, null);
    await locker.query('ROLLBACK');
    await consumer.caughtUp();
    assert.deepEqual(consumer.changes, ['insert public.t 1']);
    assert.equal((await walsender()).pid, pid);
    const steps = told.flatMap((one) => (one.type === 'step' ? [one.message] : []));
    assert.equal(steps.length, 1, steps.join('\n'));
    assert.match(steps[0]!, /55P03.*asked again/);
  });

  test('a copy goes on when it is let in', async () => {
    const rows = 'SELECT i, repeat($$x$$, 200) FROM generate_series(1, 5000) i';
    await using database = await Database.create(
      server,
      `CREATE TABLE t (id int PRIMARY KEY, note text); INSERT INTO t ${rows}`,
    );
    await using copy = await PreparedCopy.prepare(database, ask('public.t'), { chunkBytes: 64 * 1024 });
    await using locker = await server.connect(database.name);
    await locker.query('BEGIN; LOCK TABLE pg_catalog.pg_attribute IN ACCESS EXCLUSIVE MODE');
    const running = copy.run();
    await locker.query('SELECT pg_sleep(7)');
    await locker.query('ROLLBACK');
    const copied = await running;
    assert.equal(copied.rows('public.t').length, 5000);
    assert.equal(copied.count('stopped'), 0);
  });
});
