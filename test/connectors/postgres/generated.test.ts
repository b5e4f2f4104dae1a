import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';
import { forMajors } from '../../support/postgres/majors.ts';
import { type PostgresServer, startPostgres } from '../../support/postgres/postgres.ts';
import { until } from '../../support/wait.ts';
import { Consumer, checkpointAfter, checkpointAtNewSlot, dropSlots, sourceOf } from './following.ts';

const names = ['public.t', 'public.other'];

/** As an older pgveil made it, where `how` says nothing else. */
const PUBLISH = `CREATE PUBLICATION veil FOR TABLE t, other; COMMENT ON PUBLICATION veil IS 'made by pgveil'`;

const TABLES = `
  CREATE TABLE other (id int PRIMARY KEY); CREATE TABLE t (up text GENERATED ALWAYS AS (upper(note)) STORED, id int PRIMARY KEY, note text);
  ALTER TABLE t REPLICA IDENTITY FULL`;

forMajors('generated columns in the stream', { core: true }, (major) => {
  let server: PostgresServer;
  before(async () => {
    server = await startPostgres({ major, settings: { wal_level: 'logical' }, own: true });
  });
  after(() => server[Symbol.asyncDispose]());
  afterEach(async () => {
    await dropSlots(server);
    await server.query('DROP PUBLICATION IF EXISTS veil; DROP TABLE IF EXISTS t, other');
  });

  const stopsOf = (consumer: Consumer) =>
    consumer.batches.flatMap(({ events }) =>
      events.flatMap((event) =>
        event.type === 'stopped' ? [`${event.name} ${JSON.stringify(event.state.state)}`] : [],
      ),
    );

  test('a publication of an older pgveil is mended, nothing is copied for it, and no generated value comes out', async () => {
    await server.query(`${TABLES}; ${PUBLISH}`);
    const from = await checkpointAtNewSlot(server, names);
    await server.query(`INSERT INTO t (id, note) VALUES (1, 'a'), (2, 'b')`);
    if (major >= 18) await assert.rejects(server.query(`UPDATE t SET note = 'c'`), /cannot update table/);
    await using first = new Consumer(sourceOf(server, names).source, from);
    await first.caughtUp();
    await server.query(
      `UPDATE t SET note = 'c' WHERE id = 1; DELETE FROM t WHERE id = 2; INSERT INTO other VALUES (7)`,
    );
    await first.caughtUp();
    assert.deepEqual(first.changes, [
      'insert public.t 1|a',
      'insert public.t 2|b',
      'update public.t row 1|a > 1|c',
      'delete public.t row 2|b',
      'insert public.other 7',
    ]);
    assert.deepEqual(stopsOf(first), []);
    await first.stop();
    await server.query(`UPDATE t SET note = 'd', id = 3 WHERE id = 1`);
    await using second = new Consumer(sourceOf(server, names).source, checkpointAfter(from, first));
    await second.caughtUp();
    assert.deepEqual(second.changes, ['update public.t row 1|c > 3|d']);
    assert.deepEqual(stopsOf(second), [], 'the next start knows the publication');
  });

  test('a table with another replica identity sends them as well, and a generated column that goes is no reason for a copy', async () => {
    const settings = major >= 18 ? ' WITH (publish_generated_columns = stored)' : '';
    await server.query(
      `${TABLES}; ALTER TABLE t REPLICA IDENTITY DEFAULT; CREATE PUBLICATION veil FOR TABLE t, other${settings}`,
    );
    const from = await checkpointAtNewSlot(server, names);
    await using consumer = new Consumer(sourceOf(server, names).source, from);
    await server.query(`INSERT INTO t (id, note) VALUES (1, 'a'), (2, 'b'); UPDATE t SET id = 3 WHERE id = 1`);
    await consumer.caughtUp();
    await server.query(`ALTER TABLE t DROP up; UPDATE t SET note = 'c' WHERE id = 2; DELETE FROM t WHERE id = 3`);
    await consumer.caughtUp();
    assert.deepEqual(consumer.changes, [
      'insert public.t 1|a',
      'insert public.t 2|b',
      'update public.t key 1|- > 3|a',
      'update public.t 2|c',
      'delete public.t key 3|-',
    ]);
    assert.deepEqual(stopsOf(consumer), []);
  });

  test('those of a partitioned table come as its root has them, whatever the order in the partition', async () => {
    const settings = `WITH (publish_via_partition_root = true${major >= 18 ? ', publish_generated_columns = stored' : ''})`;
    await server.query(`CREATE TABLE other (id int PRIMARY KEY);
      CREATE TABLE t (up text GENERATED ALWAYS AS (upper(note)) STORED, id int PRIMARY KEY, note text) PARTITION BY RANGE (id);
      CREATE TABLE t_low (note text, gone int, id int NOT NULL, up text GENERATED ALWAYS AS (upper(note)) STORED);
      ALTER TABLE t_low DROP gone; ALTER TABLE t ATTACH PARTITION t_low FOR VALUES FROM (0) TO (10);
      ALTER TABLE t REPLICA IDENTITY FULL; ALTER TABLE t_low REPLICA IDENTITY FULL; CREATE PUBLICATION veil FOR TABLE t, other ${settings}`);
    const from = await checkpointAtNewSlot(server, names);
    await using consumer = new Consumer(sourceOf(server, names).source, from);
    const long = `(SELECT string_agg(md5(i::text), '') FROM generate_series(1, 300) i)`;
    await server.query(`INSERT INTO t (id, note) VALUES (1, 'a'), (2, ${long}); UPDATE t SET note = 'b' WHERE id = 1`);
    await server.query('UPDATE t SET id = 3 WHERE id = 2');
    await consumer.caughtUp();
    assert.deepEqual(consumer.changes, [
      'insert public.t 1|a',
      'insert public.t 2|9600 bytes',
      'update public.t row 1|a > 1|b',
      'update public.t row 2|9600 bytes > 3|~',
    ]);
  });

  test('names exchanged with a generated column while nobody looked put no generated value under another name', async () => {
    const settings = major >= 18 ? ' WITH (publish_generated_columns = stored)' : '';
    await server.query(`${TABLES}; CREATE PUBLICATION veil FOR TABLE t, other${settings}`);
    const from = await checkpointAtNewSlot(server, names);
    const swap = 'ALTER TABLE t RENAME note TO x; ALTER TABLE t RENAME up TO note; ALTER TABLE t RENAME x TO up';
    await server.query(`${swap}; INSERT INTO t (id, up) VALUES (1, 'raw')`);
    await server.query(swap);
    await using consumer = new Consumer(sourceOf(server, names).source, from);
    await until(() => stopsOf(consumer).includes('public.t "stale"'), { what: 'the table to stop' });
    assert.deepEqual(
      consumer.changes.filter((change) => /RAW/.test(change)),
      [],
    );
  });

  if (major < 18) return;

  test('a publication that somebody altered before is no longer trusted, mended or not', async () => {
    await server.query(`${TABLES}; ${PUBLISH}`);
    const from = await checkpointAtNewSlot(server, names);
    await server.query(`ALTER PUBLICATION veil SET (publish = 'insert'); INSERT INTO other VALUES (1); DELETE FROM other;
      ALTER PUBLICATION veil SET (publish = 'insert, update, delete, truncate')`);
    await using consumer = new Consumer(sourceOf(server, names).source, from);
    await until(() => stopsOf(consumer).length === 2, { what: 'both tables to stop' });
  });

  test('a virtual one in a replica identity keeps the application from writing for a moment, and then halts the table', async () => {
    await server.query(`${TABLES}; ${PUBLISH}; INSERT INTO t (id, note) VALUES (1, 'a')`);
    const from = await checkpointAtNewSlot(server, names);
    const { source, told } = sourceOf(server, names);
    await using consumer = new Consumer(source, from);
    await consumer.caughtUp();
    await server.query('ALTER TABLE t ADD low text GENERATED ALWAYS AS (lower(note)) VIRTUAL');
    const write = () =>
      server.query(`UPDATE t SET note = note || 'c'`).then(
        () => true,
        () => false,
      );
    await until(write, { what: 'the application to write again' });
    await until(() => stopsOf(consumer).includes('public.t "halted"'), { what: 'the table to halt' });
    const warned = told.flatMap((one) => (one.type === 'warning' ? [`${one.table} ${one.code}`] : []));
    assert.deepEqual([...new Set(warned)].sort(), ['public.t identity_unfit', 'public.t writes_refused']);
    await server.query('INSERT INTO other VALUES (1)');
    await until(() => consumer.changes.includes('insert public.other 1'), { what: 'the other table to go on' });
  });
});
