import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import type { Checkpoint, Position } from '../../../src/core/checkpoint.ts';
import { forMajors } from '../../support/postgres/majors.ts';
import { type PostgresServer, startPostgres } from '../../support/postgres/postgres.ts';
import { until } from '../../support/wait.ts';
import { Consumer, checkpointAfter, checkpointAtNewSlot, dropSlots, sourceOf } from './following.ts';

forMajors('changes of definition', {}, (major) => {
  let server: PostgresServer;
  before(async () => {
    server = await startPostgres({ major, settings: { wal_level: 'logical', wal_writer_delay: '10ms' } });
  });
  after(async () => {
    await server[Symbol.asyncDispose]();
  });

  const names = ['public.t', 'public.u'];
  let from: Checkpoint & { readonly position: Position };

  beforeEach(async () => {
    await dropSlots(server);
    await server.query('DROP PUBLICATION IF EXISTS veil; DROP SCHEMA public CASCADE; CREATE SCHEMA public');
    await server.query(`
    CREATE TABLE t (id int PRIMARY KEY, ssn text, note text);
    CREATE TABLE u (id int PRIMARY KEY, ssn text, note text);
    CREATE PUBLICATION veil FOR ALL TABLES`);
    from = await checkpointAtNewSlot(server, names);
  });

  const row = (table: string, id: number, secret = 'x') => `INSERT INTO ${table} VALUES (${id}, '${secret}', 'n')`;

  /** Streams row 1 of t, then what the transactions did: each RELATION of t behind that row is a question of its own. */
  async function follow(...transactions: string[]): Promise<Consumer> {
    await using consumer = new Consumer(sourceOf(server, names).source, from);
    await server.query(row('t', 1));
    await until(() => consumer.changes.length === 1, { what: 'the first row' });
    for (const transaction of transactions) await server.query(transaction);
    await consumer.caughtUp();
    await consumer.stop();
    return consumer;
  }

  /** Streams what is there already. */
  async function followLate(): Promise<Consumer> {
    await using consumer = new Consumer(sourceOf(server, names).source, from);
    await consumer.caughtUp();
    await consumer.stop();
    return consumer;
  }

  const stops = (consumer: Consumer) =>
    consumer.batches.flatMap(({ events }) => events.flatMap((event) => (event.type === 'stopped' ? [event] : [])));

  /** `public.t stale: column more is new`. */
  const shown = (consumer: Consumer) =>
    stops(consumer).map(({ name, state }) => {
      const why = state.state === 'stale' ? state.reason : state.state === 'halted' ? state.code : '';
      return `${name} ${state.state}: ${why}`;
    });

  test('a RELATION that is sent again without any change of definition costs nothing but a look', async () => {
    const again = ['ANALYZE t', 'CREATE INDEX ON t (note)', 'GRANT SELECT ON t TO PUBLIC', 'VACUUM FULL t'];
    const consumer = await follow(...again.flatMap((statement, i) => [statement, row('t', i + 2)]));
    assert.equal(consumer.changes.length, 5);
    assert.deepEqual(stops(consumer), []);
  });

  test('DROP note, RENAME ssn TO note, ADD ssn in one transaction: no value leaves under the wrong name', async () => {
    const consumer = await follow(
      `BEGIN; ALTER TABLE t DROP note; ALTER TABLE t RENAME ssn TO note; ALTER TABLE t ADD ssn text;
     INSERT INTO t VALUES (3, 'SECRET', NULL); ${row('u', 1)}; COMMIT`,
      `INSERT INTO t VALUES (4, 'SECRET', NULL)`,
      row('u', 2),
    );
    const how = 'column ssn is called note, column note is gone, column ssn is new';
    assert.deepEqual(shown(consumer), [`public.t stale: ${how}`]);
    assert.deepEqual(
      stops(consumer)[0]!.definition?.columns.map(({ attnum, name }) => `${attnum} ${name}`),
      ['1 id', '2 note', '4 ssn'],
    );
    assert.deepEqual(consumer.changes, ['insert public.t 1|x|n', 'insert public.u 1|x|n', 'insert public.u 2|x|n']);
  });

  test('the stop stands in the batch of the first change that is left out, and in none before', async () => {
    const consumer = await follow(
      `BEGIN; ${row('u', 1)}; ALTER TABLE t ADD more text; ${row('t', 2)}; ${row('u', 2)}; COMMIT`,
    );
    const at = consumer.batches.findIndex(({ events }) => events.some(({ type }) => type === 'stopped'));
    const [before, stop] = [consumer.batches[at - 1]!, consumer.batches[at]!];
    assert.equal(before.position, null);
    assert.deepEqual(
      before.changes.map(({ table, seq }) => `${table.name} ${seq}`),
      ['public.u 1'],
    );
    assert.deepEqual(
      stop.changes.map(({ table, seq }) => `${table.name} ${seq}`),
      ['public.u 3'],
    );
    assert.ok(stop.position);
    const [{ state }] = stops(consumer) as [ReturnType<typeof stops>[number]];
    const since = stop.changes[0]!.transaction.clsn;
    assert.deepEqual(state, { state: 'stale', since, reason: 'column more is new' });
  });

  const changes: readonly (readonly [string, string, string])[] = [
    ['a column added', 'ALTER TABLE t ADD more text', 'public.t stale: column more is new'],
    ['a column dropped', 'ALTER TABLE t DROP note', 'public.t stale: column note is gone'],
    ['a column renamed', 'ALTER TABLE t RENAME note TO remark', 'public.t stale: column note is called remark'],
    [
      'two columns swapped',
      'ALTER TABLE t RENAME note TO a; ALTER TABLE t RENAME ssn TO note; ALTER TABLE t RENAME a TO ssn',
      'public.t stale: column ssn is called note, column note is called ssn',
    ],
    ['a column retyped', 'ALTER TABLE t ALTER note TYPE varchar(40)', 'public.t stale: column note has another type'],
    [
      'a column dropped and added',
      'ALTER TABLE t DROP note; ALTER TABLE t ADD note text',
      'public.t stale: column note is gone, column note is new',
    ],
    [
      'the key moved to another column',
      'ALTER TABLE t DROP CONSTRAINT t_pkey; ALTER TABLE t ADD PRIMARY KEY (ssn)',
      'public.t stale: it has another key',
    ],
    ['the key dropped', 'ALTER TABLE t DROP CONSTRAINT t_pkey', 'public.t halted: no_key'],
    [
      'the whole row as identity',
      'ALTER TABLE t REPLICA IDENTITY FULL',
      'public.t stale: it has another replica identity',
    ],
    ['the table renamed', 'ALTER TABLE t RENAME TO t2; CREATE VIEW t AS SELECT 1', 'public.t halted: table_unfit'],
    ['the table moved', 'CREATE SCHEMA s; ALTER TABLE t SET SCHEMA s', 'public.t halted: table_missing'],
    [
      'the table made anew',
      'DROP TABLE t; CREATE TABLE t (id int PRIMARY KEY, ssn text, note text)',
      'public.t stale: another table stands under its name',
    ],
  ];

  for (const [what, ddl, expected] of changes) {
    test(`${what}: the table stops, another one goes on, also when it happened while nobody looked`, async () => {
      const moved = /SET SCHEMA/.test(ddl) ? 's.t' : /RENAME TO t2/.test(ddl) ? 't2' : 't';
      const consumer = await follow(ddl, `INSERT INTO ${moved} (id, ssn) VALUES (2, 'SECRET')`, row('u', 1));
      assert.deepEqual(shown(consumer), [expected]);
      assert.deepEqual(consumer.changes, ['insert public.t 1|x|n', 'insert public.u 1|x|n']);

      const late = await followLate();
      assert.deepEqual(shown(late), [expected]);
      const [{ state }] = stops(late) as [ReturnType<typeof stops>[number]];
      if (state.state === 'stale') assert.equal(state.since, from.position.pos);
      assert.deepEqual(late.changes, ['insert public.u 1|x|n']);

      from = checkpointAfter(from, consumer);
      await server.query(row('u', 2));
      const next = await followLate();
      assert.deepEqual(next.changes, ['insert public.u 2|x|n']);
      assert.deepEqual(shown(next), []);
    });
  }

  test('two tables that swap names both halt', async () => {
    const swap = 'BEGIN; ALTER TABLE t RENAME TO a; ALTER TABLE u RENAME TO t; ALTER TABLE a RENAME TO u; COMMIT';
    const consumer = await follow(swap, row('t', 2, 'SECRET'), row('u', 2, 'SECRET'));
    assert.deepEqual(shown(consumer).sort(), ['public.t halted: names_moved', 'public.u halted: names_moved']);
    assert.deepEqual(consumer.changes, ['insert public.t 1|x|n']);
  });

  test('a change of definition that is rolled back to a savepoint stops nothing', async () => {
    const consumer = await follow(
      `BEGIN; SAVEPOINT s; ALTER TABLE t ADD more text; INSERT INTO t VALUES (2, 'x', 'n', 'm');
     ROLLBACK TO s; ${row('t', 3)}; COMMIT`,
      row('t', 4),
    );
    assert.deepEqual(stops(consumer), []);
    assert.deepEqual(consumer.changes, ['insert public.t 1|x|n', 'insert public.t 3|x|n', 'insert public.t 4|x|n']);
  });

  test('a column added and dropped again stops the table at the rows in between', async () => {
    const consumer = await follow(
      `BEGIN; ALTER TABLE t ADD more text; INSERT INTO t VALUES (2, 'SECRET', 'n', 'm'); ALTER TABLE t DROP more; COMMIT`,
      row('t', 3),
    );
    assert.deepEqual(shown(consumer), ['public.t stale: it had other columns']);
    assert.deepEqual(consumer.changes, ['insert public.t 1|x|n']);
  });

  test('a TRUNCATE is a question as well', async () => {
    const consumer = await follow('BEGIN; ALTER TABLE t ADD more text; TRUNCATE t; COMMIT', 'TRUNCATE u');
    assert.deepEqual(shown(consumer), ['public.t stale: column more is new']);
    assert.deepEqual(consumer.changes, ['insert public.t 1|x|n', 'truncate public.u']);
  });

  test('a RELATION inside of a transaction that was applied before holds for the rows after it', async () => {
    from = checkpointAfter(from, await follow(row('u', 1)));
    await server.query(row('t', 2));
    const second = await followLate();
    assert.deepEqual(second.changes, ['insert public.t 2|x|n']);
    assert.deepEqual(stops(second), []);
  });

  test('a row that was sent while its commit waits for a synchronous standby has no answer before that commit is seen', async () => {
    const setStandby = (name: string) =>
      server
        .query(`ALTER SYSTEM SET synchronous_standby_names = '${name}'`)
        .then(() => server.query('SELECT pg_reload_conf()'));
    const { source, told } = sourceOf(server, names);
    await using consumer = new Consumer(source, from);
    await until(() => consumer.batches.length > 0, { what: 'the first batch' });
    await setStandby('nobody');
    const committing = server.query(row('t', 1));
    await until(() => told.some(({ type }) => type === 'waiting'), { what: 'the stream to wait' });
    assert.deepEqual(consumer.changes, []);
    await setStandby('');
    await committing;
    await consumer.caughtUp();
    assert.deepEqual(consumer.changes, ['insert public.t 1|x|n']);
    assert.equal(told.filter(({ type }) => type === 'waiting').length, 1);
  });

  test('a look at the catalog waits for nobody who changes a table at that moment', async () => {
    await using session = await server.connect();
    await session.query('BEGIN; ALTER TABLE t ADD more text; ALTER TABLE u ADD more text');
    await using consumer = new Consumer(sourceOf(server, names).source, from);
    await server.query('CREATE TABLE v (id int PRIMARY KEY); INSERT INTO v VALUES (1)');
    await consumer.caughtUp();
    await session.query('ROLLBACK');
    await server.query(row('t', 1));
    await consumer.caughtUp();
    await consumer.stop();
    assert.deepEqual(consumer.changes, ['insert public.t 1|x|n']);
  });
});
