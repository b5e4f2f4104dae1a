import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { forMajors } from '../../../support/postgres/majors.ts';
import { type PostgresServer, startPostgres } from '../../../support/postgres/postgres.ts';
import { ask, Database } from '../parts.ts';

const generated = (kind: 'STORED' | 'VIRTUAL') => `g int GENERATED ALWAYS AS (a) ${kind}`;

forMajors('generated columns in a replica identity', { core: true }, (major) => {
  let server: PostgresServer;
  before(async () => {
    server = await startPostgres({ major, settings: { wal_level: 'logical' } });
  });
  after(() => server[Symbol.asyncDispose]());

  async function problemOf(database: Database, table: string, key: readonly string[] | null = null) {
    const [[name, asked]] = [...ask(`public.${table}`)] as [[string, ReturnType<ReturnType<typeof ask>['get']> & {}]];
    return (await database.read(new Map([[name, { ...asked, key }]]))).tables.get(name)!.problem;
  }

  test('stored ones are published, and so nobody minds them, unless a publication of somebody’s leaves them out', async () => {
    await using database = await Database.create(
      server,
      `CREATE TABLE t (id int PRIMARY KEY, a int, ${generated('STORED')}); ALTER TABLE t REPLICA IDENTITY FULL; INSERT INTO t VALUES (1)`,
    );
    assert.equal(await problemOf(database, 't'), null, 'ours will send them');
    await database.query('CREATE PUBLICATION veil FOR TABLE t');
    const problem = await problemOf(database, 't');
    if (major < 18) return assert.equal(problem, null);
    assert.equal(problem?.code, 'identity_unfit');
    await assert.rejects(database.query('UPDATE t SET a = 2'), /cannot update table/);
    await database.query(problem.fix);
    assert.equal(await problemOf(database, 't'), null);
    await database.query('UPDATE t SET a = 2');
  });

  if (major < 18) return;

  test('virtual ones are sent by no publication: the SQL shown takes them out of the identity', async () => {
    await using database = await Database.create(
      server,
      `CREATE TABLE t (id int PRIMARY KEY, a int NOT NULL UNIQUE, ${generated('VIRTUAL')}); ALTER TABLE t REPLICA IDENTITY FULL;
      CREATE TABLE p (id int PRIMARY KEY, a int, ${generated('VIRTUAL')}) PARTITION BY RANGE (id); CREATE TABLE "P 1" PARTITION OF p DEFAULT;
      ALTER TABLE "P 1" REPLICA IDENTITY FULL; INSERT INTO t VALUES (1, 1); INSERT INTO p VALUES (1, 1)`,
    );
    await database.query('CREATE PUBLICATION veil FOR TABLE t, p WITH (publish_generated_columns = stored)');
    const cases = [
      ['t', ['a'], 'ALTER TABLE "public"."t" REPLICA IDENTITY USING INDEX "t_a_key";'],
      ['t', null, 'ALTER TABLE "public"."t" REPLICA IDENTITY DEFAULT;'],
      ['p', null, 'ALTER TABLE "public"."P 1" REPLICA IDENTITY DEFAULT;'],
    ] as const;
    for (const [table, key, fix] of cases) {
      await database.query(`ALTER TABLE t REPLICA IDENTITY FULL`);
      const problem = await problemOf(database, table, key);
      assert.deepEqual([problem?.code, problem?.fix], ['identity_unfit', fix]);
      await assert.rejects(database.query(`UPDATE ${table} SET a = a + 1`), /cannot update table/);
      await database.query(problem!.fix);
      assert.equal(await problemOf(database, table, key), null);
      await database.query(`UPDATE ${table} SET a = a + 1`);
    }
  });
});
