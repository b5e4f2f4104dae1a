import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Servers } from '../support/trial/servers.ts';
import { until } from '../support/wait.ts';

// What becomes of partitions and of which no change tells, where it takes more than a row of test/e2e/schema-rows/.

const COLUMNS = { id: 'keep', v: 'keep' } as const;

describe('a partitioned table', () => {
  const tables = { 'public.t': { columns: COLUMNS } };
  let servers: Servers;
  before(async () => {
    servers = await Servers.start();
  });
  after(() => servers[Symbol.asyncDispose]());

  const partitioned = (leaves: number) => `
    CREATE TABLE t (id integer PRIMARY KEY, v text) PARTITION BY RANGE (id);
    DO $$ BEGIN FOR i IN 0..${leaves - 1} LOOP
      EXECUTE format('CREATE TABLE t%s PARTITION OF t FOR VALUES FROM (%s) TO (%s)', i, i * 10, i * 10 + 10);
    END LOOP; END $$;
    CREATE TABLE rest PARTITION OF t DEFAULT;
    INSERT INTO t SELECT i, i FROM generate_series(1, 19) i`;

  test('truncated whole, and killed before the catalog was looked at again, goes on at the next start', async () => {
    await using trial = await servers.trial(partitioned(1), tables);
    const service = await trial.stream();
    await trial.source.query('TRUNCATE t');
    await until(async () => (await trial.twin.query('SELECT FROM t')).rowCount === 0, { what: 'the twin to be empty' });
    await service.kill();
    const next = await trial.run();
    const status = await trial.holdsAll(next);
    assert.equal(status.tables['public.t']?.state, 'streaming');
  });

  test('truncated whole again and again, while the catalog is looked at, streams on', async () => {
    await using trial = await servers.trial(partitioned(1), tables);
    const service = await trial.stream();
    for (const end = performance.now() + 5_000; performance.now() < end; ) {
      await trial.source.query('TRUNCATE t');
      await trial.source.query('SELECT pg_sleep(0.02)');
    }
    const status = await trial.holdsAll(service);
    assert.equal(status.tables['public.t']?.state, 'streaming');
  });

  test('with a truncate in what is caught up with: run --until-caught-up tells a truncated partition from it', async () => {
    await using trial = await servers.trial(partitioned(2), tables);
    await trial.catchUp();
    await trial.source.query('TRUNCATE t');
    await trial.source.query('INSERT INTO t VALUES (1, $$a$$), (11, $$b$$)');
    await trial.catchUp();
    await trial.assertEqual();
    await trial.source.query('TRUNCATE t0');
    await trial.catchUp();
    await trial.assertEqual();
  });

  test('of a hundred partitions: its entry is written when something in it changed, and not with each position', async () => {
    await using trial = await servers.trial(partitioned(100), tables);
    const service = await trial.stream();
    const version = async () => (await trial.twin.query('SELECT xmin FROM pgveil.table_entry')).rows[0].xmin;
    const first = await version();
    for (let id = 20; id < 120; id++) await trial.source.query('INSERT INTO t VALUES ($1, $$x$$)', [id]);
    await trial.source.query('GRANT SELECT ON t, t1 TO PUBLIC; ANALYZE t1');
    await trial.holdsAll(service);
    assert.equal(await version(), first);
    await trial.source.query('ALTER TABLE t1 RENAME TO first');
    await until(async () => (await version()) !== first, { what: 'the entry with the new name' });
    assert.equal((await service.status()).tables['public.t']?.state, 'streaming');
  });
});
