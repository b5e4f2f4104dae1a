import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import {
  dropPublication,
  keepPublication,
  readPublication,
  sendGenerated,
} from '../../../../connectors/postgres/catalog/publication.ts';
import { PgveilError } from '../../../../src/core/errors.ts';
import { forMajors } from '../../../support/postgres/majors.ts';
import { type PostgresServer, startPostgres } from '../../../support/postgres/postgres.ts';
import { ask, Database } from '../parts.ts';

const membersOf = async (database: Database) =>
  (await readPublication(database.observer, 'pub'))?.members.map(({ relation }) => relation).sort();

async function keep(database: Database, tables: string[], url = database.url): Promise<void> {
  await keepPublication(url, database.observer, 'pub', await database.read(ask(...tables)));
}

forMajors('a publication', { core: true }, (major) => {
  let server: PostgresServer;
  before(async () => {
    server = await startPostgres({ major, settings: { wal_level: 'logical' } });
  });
  after(() => server[Symbol.asyncDispose]());

  test('it is made for the listed tables, and follows the list', async () => {
    await using database = await Database.create(
      server,
      `CREATE TABLE a (id int PRIMARY KEY); CREATE TABLE b (id int PRIMARY KEY); CREATE TABLE "C ""d" (id int PRIMARY KEY);
      CREATE TABLE p (id int PRIMARY KEY) PARTITION BY RANGE (id); CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (9);
      CREATE TABLE child (PRIMARY KEY (id)) INHERITS (a);`,
    );
    await keep(database, ['public.a', 'public.p']);
    assert.deepEqual(await membersOf(database), ['a', 'p'], 'a table that inherits is a table of its own');
    const made = await readPublication(database.observer, 'pub');
    assert.ok(made?.viaRoot && made.complete && made.made && !made.allTables);
    await keep(database, ['public.a', 'public.b', 'public.C "d']);
    assert.deepEqual(await membersOf(database), ['C "d', 'a', 'b']);
    const [{ oid: before }] = await database.query('SELECT oid FROM pg_publication_rel WHERE prrelid = $1::regclass', [
      'a',
    ]);
    await keep(database, ['public.a']);
    assert.deepEqual(await membersOf(database), ['a']);
    const [{ oid: after }] = await database.query('SELECT oid FROM pg_publication_rel WHERE prrelid = $1::regclass', [
      'a',
    ]);
    assert.equal(after, before, 'a table that stays is never taken out in between');
    await dropPublication(database.url, database.observer, 'pub');
    assert.equal(await readPublication(database.observer, 'pub'), null);
  });

  test('a table whose updates it would break is never added, and the application goes on', async () => {
    await using database = await Database.create(
      server,
      `CREATE TABLE nokey (a int); INSERT INTO nokey VALUES (1);
      CREATE TABLE later (a int PRIMARY KEY DEFERRABLE); INSERT INTO later VALUES (1);
      CREATE TABLE nothing (a int PRIMARY KEY); ALTER TABLE nothing REPLICA IDENTITY NOTHING; INSERT INTO nothing VALUES (1);
      CREATE TABLE p (a int PRIMARY KEY) PARTITION BY RANGE (a); CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (9);
      ALTER TABLE p1 REPLICA IDENTITY NOTHING; INSERT INTO p VALUES (1);
      CREATE TABLE generated (a int PRIMARY KEY, b int GENERATED ALWAYS AS (a + 1) STORED);
      ALTER TABLE generated REPLICA IDENTITY FULL; INSERT INTO generated VALUES (1);
      CREATE TABLE virtual (a int PRIMARY KEY, b int GENERATED ALWAYS AS (a + 1) ${major >= 18 ? 'VIRTUAL' : 'STORED'});
      ALTER TABLE virtual REPLICA IDENTITY FULL; INSERT INTO virtual VALUES (1);
      CREATE UNLOGGED TABLE unlogged (a int PRIMARY KEY); INSERT INTO unlogged VALUES (1); CREATE VIEW v AS SELECT 1 AS a;`,
    );
    const tables = ['nokey', 'later', 'nothing', 'p', 'generated', 'virtual', 'unlogged', 'v'];
    await keep(
      database,
      tables.map((table) => `public.${table}`),
    );
    for (const table of tables.slice(0, -1)) await database.query(`UPDATE ${table} SET a = 2; DELETE FROM ${table}`);
    assert.deepEqual(await membersOf(database), major >= 18 ? ['generated'] : ['generated', 'virtual']);
  });

  test('a table that loses its identity while it is published is taken out', async () => {
    await using database = await Database.create(
      server,
      'CREATE TABLE a (id int PRIMARY KEY, n int); INSERT INTO a VALUES (1, 1)',
    );
    await keep(database, ['public.a']);
    await database.query('ALTER TABLE a DROP CONSTRAINT a_pkey');
    await assert.rejects(database.query('UPDATE a SET n = 2'), /replica identity/);
    await keep(database, ['public.a']);
    await database.query('UPDATE a SET n = 2');
  });

  test('one of an older pgveil is told to send generated columns; one that a person made is not', async () => {
    await using database = await Database.create(
      server,
      `CREATE TABLE a (id int PRIMARY KEY, n int GENERATED ALWAYS AS (id) STORED); ALTER TABLE a REPLICA IDENTITY FULL; INSERT INTO a VALUES (1);
      CREATE PUBLICATION pub FOR TABLE a`,
    );
    const update = () => database.query('UPDATE a SET id = id + 1');
    const mend = () => sendGenerated(database.url, (name) => readPublication(database.observer, name), 'pub');
    if (major >= 18) await assert.rejects(update(), /cannot update table/);
    else await update();
    assert.equal(await mend(), false, 'a person made it');
    await database.query(`COMMENT ON PUBLICATION pub IS 'made by pgveil'`);
    assert.equal(await mend(), major >= 18);
    assert.equal(await mend(), false, 'it was done');
    await update();
    if (major < 18) return;
    await database.query('ALTER PUBLICATION pub SET (publish_generated_columns = none)');
    await keep(database, ['public.a']);
    await update();
  });

  test('one that a person made is left as it is', async () => {
    await using database = await Database.create(
      server,
      'CREATE TABLE a (id int PRIMARY KEY); CREATE TABLE b (id int PRIMARY KEY); CREATE PUBLICATION pub FOR TABLE a',
    );
    await keep(database, ['public.b']);
    assert.deepEqual(await membersOf(database), ['a']);
    await dropPublication(database.url, database.observer, 'pub');
    assert.deepEqual(await membersOf(database), ['a']);
    await database.query('DROP PUBLICATION pub; CREATE PUBLICATION pub FOR ALL TABLES');
    await keep(database, ['public.b']);
    assert.equal((await readPublication(database.observer, 'pub'))?.allTables, true);
  });

  test('a role that may not make it is told the SQL, and that SQL makes it', async () => {
    await using database = await Database.create(
      server,
      `CREATE TABLE a (id int PRIMARY KEY); CREATE TABLE b (id int PRIMARY KEY); CREATE ROLE other${process.pid} LOGIN;`,
    );
    const other = database.as(`other${process.pid}`);
    const refused = await keep(database, ['public.a'], other).then(
      () => assert.fail('it was made'),
      (error) => error,
    );
    assert.ok(refused instanceof PgveilError && refused.code === 'publication_missing');
    await database.query(refused.fix);
    assert.deepEqual(await membersOf(database), ['a']);
    const lacking = await keep(database, ['public.a', 'public.b'], other).then(
      () => assert.fail('it was altered'),
      (error) => error,
    );
    assert.ok(lacking instanceof PgveilError && lacking.code === 'publication_unfit');
    await database.query(lacking.fix);
    assert.deepEqual(await membersOf(database), ['a', 'b']);
    await database.query(`DROP ROLE other${process.pid}`);
  });
});
