import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { forMajors } from '../../../support/postgres/majors.ts';
import { type PostgresServer, startPostgres } from '../../../support/postgres/postgres.ts';
import { ask, Database, PreparedCopy, textRows } from '../parts.ts';

const rows = (table: string, count: number) =>
  `INSERT INTO ${table} SELECT i, repeat(md5(i::text), 6) FROM generate_series(1, ${count}) i;`;

/** What eight workers find at once (C-03): tables of every size, and of every way to lie on disk. */
const TABLES: Record<string, string> = {
  large: `CREATE TABLE large (id int PRIMARY KEY, v text); ${rows('large', 20_000)}`,
  empty: 'CREATE TABLE empty (id int PRIMARY KEY, v text);',
  // Blocks without a row, in the middle and at the end.
  sparse: `CREATE TABLE sparse (id int PRIMARY KEY, v text); ${rows('sparse', 5000)}
    DELETE FROM sparse WHERE id BETWEEN 1000 AND 3000 OR id > 4000;`,
  // Few blocks, and nearly all of it beside them.
  toasted: `CREATE TABLE toasted (id int PRIMARY KEY, v text); ALTER TABLE toasted ALTER v SET STORAGE EXTERNAL;
    INSERT INTO toasted SELECT i, repeat(md5(i::text), 100) FROM generate_series(1, 2500) i;`,
  tree: `CREATE TABLE tree (id int PRIMARY KEY, v text) PARTITION BY RANGE (id);
    CREATE TABLE low PARTITION OF tree FOR VALUES FROM (0) TO (4000) PARTITION BY RANGE (id);
    CREATE TABLE low1 PARTITION OF low FOR VALUES FROM (0) TO (10);
    CREATE TABLE low2 PARTITION OF low FOR VALUES FROM (10) TO (4000);
    CREATE TABLE rest PARTITION OF tree DEFAULT; ${rows('tree', 8000)}`,
};

forMajors('eight workers', {}, (major) => {
  let server: PostgresServer;
  before(async () => {
    server = await startPostgres({ major, settings: { wal_level: 'logical', max_connections: '60' } });
  });
  after(() => server[Symbol.asyncDispose]());

  test('at the chunks of one table read each row once, be it empty, sparse, toasted, a tree, or growing meanwhile', async () => {
    await using database = await Database.create(server, Object.values(TABLES).join(''));
    const names = Object.keys(TABLES).map((name) => `public.${name}`);
    await using copy = await PreparedCopy.prepare(database, ask(...names), { workers: 8, chunkBytes: 64 * 1024 });
    const stop = new AbortController();
    const growing = grow(database, stop.signal);
    const copied = await copy.run().finally(() => stop.abort());
    await growing;
    for (const name of names) {
      const expected = await textRows(copy.snapshot, `SELECT id::text, v FROM ${name}`);
      assert.equal(copied.rows(name).length, expected.length, name); // first, since a diff of so many rows takes minutes
      assert.deepEqual(copied.rows(name), expected);
      assert.equal(copied.events.get(name)!.at(-1), 'copy read');
    }
    for (const name of ['large', 'toasted', 'tree']) {
      const chunks = copied.events.get(`public.${name}`)!.filter((event) => event === 'chunk finished').length;
      assert.ok(chunks > 8, `${name} was read in ${chunks} chunks`);
    }
  });
});

/** Every table gets rows behind its end and new versions of old ones, until there are enough. */
async function grow(database: Database, stopped: AbortSignal): Promise<void> {
  await using session = await database.server.connect(database.name);
  for (let at = 100_000; !stopped.aborted; at += 100) {
    for (const name of Object.keys(TABLES)) {
      await session.query(`INSERT INTO ${name} SELECT ${at} + i, 'late' FROM generate_series(1, 100) i;
        UPDATE ${name} SET v = 'late' WHERE id = ${1 + ((at / 100) % 50)}`);
    }
  }
}
