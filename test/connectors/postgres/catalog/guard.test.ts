import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { type Bound, Stopped, stopIfAnother, stopIfChanged } from '../../../../connectors/postgres/catalog/guard.ts';
import { type PostgresServer, startPostgres } from '../../../support/postgres/postgres.ts';
import { ask, Database } from '../parts.ts';

describe('the guards of a chunk', () => {
  let server: PostgresServer;
  before(async () => {
    server = await startPostgres({ settings: { wal_level: 'logical' } });
  });
  after(() => server[Symbol.asyncDispose]());

  async function bind(database: Database, name: string): Promise<Bound> {
    const asked = ask(name);
    const reading = (await database.read(asked)).tables.get(name)!;
    assert.ok(reading.problem === null);
    return { name, asked: asked.get(name)!, reading, lsn: 1n };
  }

  const saying = (reason: string) => (error: unknown) => {
    assert.ok(error instanceof Stopped);
    assert.deepEqual(error.stop.state, { state: 'stale', since: 1n, reason });
    return true;
  };

  test('a schema that is renamed past a held lock is noticed by what the COPY has locked', async () => {
    await using database = await Database.create(
      server,
      `CREATE SCHEMA s; CREATE TABLE s.t (id int PRIMARY KEY, note text); INSERT INTO s.t VALUES (1, 'n');
      CREATE SCHEMA z; CREATE TABLE z.t (id int PRIMARY KEY, note text); INSERT INTO z.t VALUES (2, 'secret');`,
    );
    const bound = await bind(database, 's.t');
    const leaf = bound.reading.leaves[0]!;
    await using reader = await server.connect(database.name);
    const [{ pid }] = (await reader.query('SELECT pg_backend_pid() AS pid')).rows;
    await reader.query('BEGIN; LOCK TABLE ONLY s.t IN ACCESS SHARE MODE');
    await stopIfChanged(database.observer, bound, leaf);
    await reader.query('SELECT id FROM ONLY s.t');
    await stopIfAnother(database.observer, bound, leaf, pid);
    await database.query('ALTER SCHEMA s RENAME TO x');
    await database.query('ALTER SCHEMA z RENAME TO s');
    const { rows } = await reader.query('SELECT note FROM ONLY s.t');
    assert.deepEqual(rows, [{ note: 'secret' }], 'this is what the COPY would have sent');
    const noticed = saying('its schema was renamed during the copy');
    await assert.rejects(stopIfAnother(database.observer, bound, leaf, pid), noticed);
    await reader.query('ROLLBACK');
    await assert.rejects(
      stopIfAnother(database.observer, bound, leaf, pid),
      { code: 'source_away' },
      'nothing is locked',
    );
  });

  test('what leaves the rows as they are does not stop a table', async () => {
    await using database = await Database.create(server, 'CREATE TABLE t (id int PRIMARY KEY, note text)');
    const bound = await bind(database, 'public.t');
    for (const sql of [
      'ANALYZE t',
      'VACUUM t',
      'CREATE INDEX ON t (note)',
      'GRANT SELECT ON t TO public',
      'ALTER TABLE t ALTER note SET STATISTICS 10',
      "ALTER TABLE t ALTER note SET DEFAULT 'x'",
      'INSERT INTO t VALUES (1)',
      'REINDEX TABLE t',
    ]) {
      await database.query(sql);
      await stopIfChanged(database.observer, bound, bound.reading.leaves[0]!);
    }
    await database.query('CLUSTER t USING t_pkey');
    const rewritten = saying('rewritten during the copy');
    await assert.rejects(stopIfChanged(database.observer, bound, bound.reading.leaves[0]!), rewritten);
  });

  test('a partition that came back with its columns in other places is not the one that was bound', async () => {
    await using database = await Database.create(
      server,
      `CREATE TABLE p (id int PRIMARY KEY, ssn text, note text) PARTITION BY RANGE (id);
      CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (9);`,
    );
    const bound = await bind(database, 'public.p');
    await database.query(
      `ALTER TABLE p DETACH PARTITION p1; ALTER TABLE p1 RENAME ssn TO x; ALTER TABLE p1 RENAME note TO ssn;
      ALTER TABLE p1 RENAME x TO note; ALTER TABLE p ATTACH PARTITION p1 FOR VALUES FROM (0) TO (9)`,
    );
    const changed = saying('its partitions changed during the copy');
    await assert.rejects(stopIfChanged(database.observer, bound, bound.reading.leaves[0]!), changed);
  });
});
