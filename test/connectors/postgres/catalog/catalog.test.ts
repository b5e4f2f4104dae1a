import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Asked, ReadTable, TableReading } from '../../../../connectors/postgres/catalog/reading.ts';
import { forMajors } from '../../../support/postgres/majors.ts';
import { type PostgresServer, startPostgres } from '../../../support/postgres/postgres.ts';
import { ask, Database } from '../parts.ts';

forMajors('a catalog reading', { core: true }, (major) => {
  let server: PostgresServer;
  before(async () => {
    server = await startPostgres({ major, settings: { wal_level: 'logical' } });
  });
  after(() => server[Symbol.asyncDispose]());

  async function readOne(database: Database, name: string, key: string[] | null = null): Promise<TableReading> {
    const [schema, relation] = name.split('.');
    const asked = new Map<string, Asked>([[name, { schema: schema!, relation: relation!, key, publication: 'veil' }]]);
    return (await database.read(asked)).tables.get(name)!;
  }

  /** The key by names, or the code of the problem. */
  async function keyOf(database: Database, name: string, key: string[] | null = null): Promise<string> {
    const { table, problem } = await readOne(database, name, key);
    return problem ? problem.code : table.key.map((index) => table.columns[index]!.name).join();
  }

  test('columns come in the order of their numbers, with what a rule has to know of their types', async () => {
    await using database = await Database.create(
      server,
      `CREATE SCHEMA other; CREATE TYPE other.mood AS ENUM ('a'); CREATE DOMAIN other.even AS int; CREATE TYPE other.pair AS (a int, b int);
      CREATE COLLATION other.loose (provider = icu, locale = 'und', deterministic = false);
      CREATE TABLE t (gone int, id int PRIMARY KEY, v varchar(40), n numeric(10, 2)[], m other.mood, e other.even, p other.pair,
        r int4range, l text COLLATE other.loose, c text COLLATE "C", g int GENERATED ALWAYS AS (id + 1) STORED);
      ALTER TABLE t DROP COLUMN gone;`,
    );
    const { table } = await readOne(database, 'public.t');
    const types = table!.columns.map(({ attnum, name, type, deterministic }) =>
      [attnum, name, type.name, type.kind, type.category, type.builtIn, deterministic].join(' '),
    );
    assert.deepEqual(types, [
      '2 id integer b N true true',
      '3 v character varying(40) b S true true',
      '4 n numeric(10,2)[] b A true true',
      '5 m other.mood e E false true',
      '6 e other.even d N false true',
      '7 p other.pair c C false true',
      '8 r int4range r R true true',
      '9 l text b S true false',
      '10 c text b S true true',
    ]);
    assert.equal(table!.columns[0]!.type.oid, 23);
    assert.equal(table!.columns[1]!.type.modifier, 44);
    assert.equal(table!.columns[0]!.type.modifier, -1);
    assert.deepEqual(table!.key, [0]);
  });

  test('blanks at the end mean nothing in char(n) and in domains over it, in whatever depth', async () => {
    await using database = await Database.create(
      server,
      `CREATE DOMAIN plate AS char(7); CREATE DOMAIN my_plate AS plate; CREATE DOMAIN word AS varchar(7); CREATE DOMAIN my_word AS word;
      CREATE TABLE t (id int PRIMARY KEY, c char(5), b bpchar, p plate, m my_plate, v varchar(5), w my_word, s text, o "char", n name, l char(5)[])`,
    );
    const { table } = await readOne(database, 'public.t');
    const padded = table!.columns.filter(({ type }) => type.padded).map(({ name }) => name);
    assert.deepEqual(padded, ['c', 'b', 'p', 'm']);
  });

  test('what types are made of is found in whatever depth, and Postgres’s own are left out', async () => {
    await using database = await Database.create(
      server,
      `CREATE TYPE mood AS ENUM ('a', 'b'); CREATE DOMAIN feeling AS mood; CREATE TYPE visit AS (at date, felt feeling);
      CREATE TYPE span AS RANGE (subtype = mood, multirange_type_name = multispan); CREATE DOMAIN visits AS visit[];
      CREATE TABLE deep (id int PRIMARY KEY, v visits); CREATE TABLE ranged (id int PRIMARY KEY, s multispan[]); CREATE TABLE plain (id int PRIMARY KEY, t text[])`,
    );
    const typesOf = async (name: string) => ((await readOne(database, name)) as ReadTable).types;
    const names = async (name: string) => (await typesOf(name)).map((type) => type.name).sort();
    assert.deepEqual(await names('public.deep'), ['public.mood', 'public.visit']);
    assert.deepEqual(await names('public.ranged'), ['public.mood']);
    assert.deepEqual(await names('public.plain'), []);
    const labels = async () => (await typesOf('public.ranged'))[0]!.labels;
    const before = await labels();
    await database.query(`ALTER TYPE mood ADD VALUE 'first' BEFORE 'a'`);
    const more = await labels();
    assert.deepEqual([more.length, before.every((label) => more.includes(label))], [3, true]);
    await database.query(`ALTER TYPE mood RENAME VALUE 'b' TO 'c'`);
    assert.equal((await labels()).filter((label) => more.includes(label)).length, 2);
  });

  test('a key is usable only where every change carries all of it', async () => {
    await using database = await Database.create(
      server,
      `CREATE TABLE pk (a int, b int, c int NOT NULL UNIQUE, d int UNIQUE, PRIMARY KEY (b, a));
      CREATE TABLE full_identity (a int PRIMARY KEY, c int NOT NULL UNIQUE); ALTER TABLE full_identity REPLICA IDENTITY FULL;
      CREATE TABLE by_index (a int PRIMARY KEY, c int NOT NULL UNIQUE); ALTER TABLE by_index REPLICA IDENTITY USING INDEX by_index_c_key;
      CREATE TABLE wide (a int PRIMARY KEY, c int NOT NULL UNIQUE, d int NOT NULL); CREATE UNIQUE INDEX wide_both ON wide (a, c);
      ALTER TABLE wide REPLICA IDENTITY USING INDEX wide_both;
      CREATE TABLE nothing (a int PRIMARY KEY); ALTER TABLE nothing REPLICA IDENTITY NOTHING;
      CREATE TABLE late (a int PRIMARY KEY DEFERRABLE);
      CREATE TABLE none (a int NOT NULL); ALTER TABLE none REPLICA IDENTITY FULL;
      CREATE TABLE odd (a int NOT NULL, b text NOT NULL, g int GENERATED ALWAYS AS (a) STORED NOT NULL);
      CREATE UNIQUE INDEX ON odd (a) WHERE a > 0; CREATE UNIQUE INDEX ON odd (lower(b)); CREATE UNIQUE INDEX ON odd (g);
      CREATE TABLE included (a int NOT NULL, b int); CREATE UNIQUE INDEX ON included (a) INCLUDE (b); ALTER TABLE included REPLICA IDENTITY FULL;`,
    );
    assert.equal(await keyOf(database, 'public.pk'), 'b,a', 'in the order of the index');
    assert.equal(await keyOf(database, 'public.pk', ['a', 'b']), 'b,a', 'however the configuration orders it');
    assert.equal(await keyOf(database, 'public.pk', ['c']), 'no_key', 'not in the replica identity');
    assert.equal(await keyOf(database, 'public.pk', ['a']), 'unknown_key');
    assert.equal(await keyOf(database, 'public.full_identity'), 'a');
    assert.equal(await keyOf(database, 'public.full_identity', ['c']), 'c');
    assert.equal(
      await keyOf(database, 'public.by_index'),
      'no_key',
      'an update of the primary key would send no old key',
    );
    assert.equal(await keyOf(database, 'public.by_index', ['c']), 'c');
    assert.equal(await keyOf(database, 'public.wide'), 'a', 'a part of the identity');
    assert.equal(await keyOf(database, 'public.nothing'), 'no_key');
    assert.equal(await keyOf(database, 'public.late'), 'no_key');
    assert.equal(await keyOf(database, 'public.none'), 'no_key');
    assert.equal(await keyOf(database, 'public.odd', ['a']), 'no_key', 'partial');
    assert.equal(await keyOf(database, 'public.odd', ['b']), 'unknown_key', 'an expression');
    assert.equal(await keyOf(database, 'public.odd', ['g']), 'no_key', 'generated');
    assert.equal(await keyOf(database, 'public.included', ['a']), 'a');
    await database.query('ALTER TABLE full_identity ALTER c DROP NOT NULL');
    assert.equal(await keyOf(database, 'public.full_identity', ['c']), 'no_key', 'may be NULL');
    if (major >= 18) {
      await database.query('ALTER TABLE full_identity ADD CONSTRAINT nn NOT NULL c NOT VALID');
      assert.equal(await keyOf(database, 'public.full_identity', ['c']), 'no_key', 'NOT NULL, but nobody looked');
      await database.query('ALTER TABLE full_identity VALIDATE CONSTRAINT nn');
      assert.equal(await keyOf(database, 'public.full_identity', ['c']), 'c');
    }
  });

  test('the SQL that a missing identity is answered with mends it', async () => {
    await using database = await Database.create(
      server,
      `CREATE TABLE a (id int PRIMARY KEY, c int NOT NULL UNIQUE); ALTER TABLE a REPLICA IDENTITY NOTHING;
      CREATE TABLE p (id int PRIMARY KEY) PARTITION BY RANGE (id); CREATE TABLE "P 1" PARTITION OF p FOR VALUES FROM (0) TO (9);
      CREATE TABLE p2 PARTITION OF p FOR VALUES FROM (10) TO (19); ALTER TABLE "P 1" REPLICA IDENTITY NOTHING;`,
    );
    for (const [name, key] of [
      ['public.a', null],
      ['public.a', ['c']],
      ['public.p', null],
    ] as const) {
      const { problem } = await readOne(database, name, key && [...key]);
      assert.equal(problem?.code, 'no_key');
      await database.query(problem.fix);
      assert.equal((await readOne(database, name, key && [...key])).problem, null, `${name} after ${problem.fix}`);
    }
  });

  test('what is not an ordinary table is told apart, each with a fix', async () => {
    await using database = await Database.create(
      server,
      `CREATE TABLE t (id int PRIMARY KEY); CREATE VIEW v AS SELECT * FROM t; CREATE MATERIALIZED VIEW m AS SELECT * FROM t;
      CREATE SEQUENCE s; CREATE TYPE c AS (a int); CREATE UNLOGGED TABLE u (id int PRIMARY KEY); CREATE INDEX i ON t (id);
      CREATE EXTENSION postgres_fdw; CREATE SERVER far FOREIGN DATA WRAPPER postgres_fdw; CREATE FOREIGN TABLE f (id int) SERVER far;
      CREATE TABLE p (id int) PARTITION BY RANGE (id); CREATE FOREIGN TABLE pf PARTITION OF p FOR VALUES FROM (0) TO (9) SERVER far;`,
    );
    const expected = {
      v: /a view/,
      m: /a materialized view/,
      s: /a sequence/,
      c: /a type/,
      u: /unlogged/,
      i: /not a table/,
      f: /foreign/,
      p: /partition "public"."pf", which is a foreign table/,
    };
    for (const [name, words] of Object.entries(expected)) {
      const { problem } = await readOne(database, `public.${name}`);
      assert.equal(problem?.code, 'table_unfit', name);
      assert.match(problem.message, words);
      assert.ok(problem.fix && problem.oid > 0);
    }
    const missing = await readOne(database, 'public.nope');
    assert.deepEqual([missing.problem?.code, missing.problem?.oid], ['table_missing', 0]);
    assert.equal((await readOne(database, 'nope.t')).problem?.code, 'table_missing');
    await database.query((await readOne(database, 'public.u')).problem!.fix);
    assert.equal((await readOne(database, 'public.u')).problem, null);
  });

  test('a partitioned table has its leaves, a table that others inherit from has itself alone', async () => {
    await using database = await Database.create(
      server,
      `CREATE TABLE p (id int PRIMARY KEY, t text) PARTITION BY RANGE (id);
      CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (10) PARTITION BY RANGE (id);
      CREATE TABLE p11 PARTITION OF p1 FOR VALUES FROM (0) TO (5); CREATE TABLE p2 (t text, id int NOT NULL);
      ALTER TABLE p ATTACH PARTITION p2 FOR VALUES FROM (10) TO (20);
      CREATE TABLE parent (id int PRIMARY KEY); CREATE TABLE child (PRIMARY KEY (id)) INHERITS (parent);`,
    );
    const { leaves, table } = await readOne(database, 'public.p');
    assert.deepEqual(leaves.map(({ relation }) => relation).sort(), ['p11', 'p2']);
    assert.notEqual(leaves[0]!.definition, leaves[1]!.definition);
    assert.ok(leaves.every(({ oid, relfilenode }) => oid !== table!.oid && relfilenode > 0));
    assert.deepEqual(
      (await readOne(database, 'public.parent')).leaves.map(({ relation }) => relation),
      ['parent'],
    );
    const both = (await database.read(ask('public.p', 'public.p11', 'public.p1', 'public.parent', 'public.child')))
      .tables;
    assert.equal(both.get('public.p')!.problem, null);
    assert.equal(both.get('public.p11')!.problem?.code, 'table_unfit');
    assert.equal(both.get('public.p1')!.problem?.code, 'table_unfit');
    assert.equal(both.get('public.child')!.problem, null);
    assert.equal((await readOne(database, 'public.p11')).problem, null, 'alone it is a table like any other');
  });

  test('only indexes that columns and a method describe are carried over', async () => {
    await using database = await Database.create(
      server,
      `CREATE TABLE t (gone int, id int PRIMARY KEY, a text, b int, g int GENERATED ALWAYS AS (1) STORED); ALTER TABLE t DROP COLUMN gone;
      CREATE INDEX plain ON t (b, a); CREATE INDEX hashed ON t USING hash (a); CREATE INDEX including ON t (b) INCLUDE (a);
      CREATE INDEX partial ON t (b) WHERE b > 0; CREATE INDEX expression ON t (lower(a)); CREATE INDEX pattern ON t (a text_pattern_ops);
      CREATE INDEX generated ON t (g);`,
    );
    const reading = await readOne(database, 'public.t');
    assert.ok(reading.problem === null);
    const carried = reading.table.indexes.map(({ name, method, columns }) => `${name} ${method} ${columns}`);
    assert.deepEqual(carried, ['hashed hash 1', 'including btree 2', 'plain btree 2,1', 't_pkey btree 0']);
    assert.deepEqual(reading.omittedIndexes, ['expression', 'generated', 'partial', 'pattern']);
  });

  test('names are values, never SQL, and never cut to fit', async () => {
    const name = 'x'.repeat(63);
    await using database = await Database.create(
      server,
      `CREATE TABLE "${name}" (id int PRIMARY KEY); CREATE TABLE "a'); DROP TABLE t; --" (id int PRIMARY KEY); CREATE TABLE "{""}" (id int PRIMARY KEY)`,
    );
    const wanted = [name, "a'); DROP TABLE t; --", '{"}'];
    const asked = ask(...[...wanted, `${name}y`].map((relation): [string, string] => ['public', relation]));
    const { tables } = await database.read(asked);
    for (const relation of wanted) assert.equal(tables.get(`public.${relation}`)!.problem, null, relation);
    assert.equal(tables.get(`public.${name}y`)!.problem?.code, 'table_missing');
  });

  test('it is one snapshot with the position behind it, also of no tables at all, and waits for no lock', async () => {
    await using database = await Database.create(server, 'CREATE TABLE t (id int PRIMARY KEY)');
    await using locker = await server.connect(database.name);
    await locker.query('BEGIN; ALTER TABLE t ADD later int');
    const [{ xid }] = (await locker.query('SELECT pg_current_xact_id()::text AS xid')).rows;
    const [{ lsn: before }] = await database.query('SELECT pg_current_wal_flush_lsn() - $1 AS lsn', ['0/0']);
    const reading = await database.read(ask('public.t'));
    assert.equal(reading.tables.get('public.t')!.table!.columns.length, 1);
    assert.ok(BigInt(xid) >= reading.snapshot.xmax || reading.snapshot.running.includes(BigInt(xid)));
    assert.ok(reading.lsn >= BigInt(before));
    await locker.query('COMMIT');
    const after = await database.read(ask('public.t'));
    assert.equal(after.tables.get('public.t')!.table!.columns.length, 2);
    assert.ok(BigInt(xid) < after.snapshot.xmax && !after.snapshot.running.includes(BigInt(xid)));
    assert.equal((await database.read(new Map())).tables.size, 0);
  });

  test('300 tables are read in well under a second', async () => {
    const make = Array.from(
      { length: 300 },
      (_, i) => `CREATE TABLE t${i} (id int PRIMARY KEY, a text, b text, c text, d text)`,
    );
    await using database = await Database.create(server, make.join(';'));
    const asked = ask(...make.map((_, i) => `public.t${i}`));
    const took: number[] = [];
    for (let time = 0; time < 5; time++) {
      const started = performance.now();
      const { tables } = await database.read(asked);
      took.push(Math.round(performance.now() - started));
      assert.ok([...tables.values()].every(({ problem }) => problem === null));
    }
    // The others may meet a machine that does something else.
    assert.ok(Math.min(...took) < 500, `${took.join(', ')} ms`);
  });
});
