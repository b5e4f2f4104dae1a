import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import type { Tables } from '../support/judge/decisions.ts';
import { Servers } from '../support/trial/servers.ts';
import type { Trial } from '../support/trial/trial.ts';

const servers = await Servers.start();
after(() => servers[Symbol.asyncDispose]());

/** Streams these changes, each a transaction, one by one, and all at once into a service that was down. Both end equal. */
async function bothWays(
  setup: string,
  tables: Tables,
  changes: readonly string[],
  also?: (trial: Trial) => Promise<void>,
) {
  for (const atOnce of [false, true]) {
    await using trial = await servers.trial(setup, tables);
    const pgveil = await trial.stream();
    if (atOnce) await pgveil.stop();
    for (const change of changes) await trial.source.query(change);
    if (atOnce) await trial.catchUp();
    else await trial.holdsAll(pgveil);
    await trial.assertEqual();
    await also?.(trial);
  }
}

/** The type of `source_primary_key`, and its texts in order. */
async function twinKeys(trial: Trial, table: string): Promise<{ type: string; keys: string[] }> {
  const { rows } = await trial.twin.query(
    `SELECT pg_typeof(source_primary_key)::text AS type, source_primary_key::text AS key FROM ${table} ORDER BY source_primary_key`,
  );
  return { type: rows[0].type, keys: rows.map(({ key }) => key) };
}

test('keys that change, swap, rotate and come back leave each row in its place', async () => {
  await bothWays(
    'CREATE TABLE t (id integer PRIMARY KEY, v text); INSERT INTO t SELECT i, i FROM generate_series(1, 20) i',
    { 'public.t': { columns: { id: 'keep', v: 'keep' } } },
    [
      'UPDATE t SET id = 101 WHERE id = 1',
      'UPDATE t SET id = 0 WHERE id = 2; UPDATE t SET id = 2 WHERE id = 3; UPDATE t SET id = 3 WHERE id = 0',
      'UPDATE t SET id = 0 WHERE id = 4; UPDATE t SET id = 4 WHERE id = 5; UPDATE t SET id = 5 WHERE id = 6; UPDATE t SET id = 6 WHERE id = 0',
      'UPDATE t SET id = 107 WHERE id = 7; UPDATE t SET id = 7 WHERE id = 107',
      'UPDATE t SET id = 108 WHERE id = 8; INSERT INTO t VALUES (8, $$new 8$$)',
      'DELETE FROM t WHERE id = 9; UPDATE t SET id = 9 WHERE id = 10; INSERT INTO t VALUES (10, $$new 10$$)',
      'UPDATE t SET id = 111 WHERE id = 11; DELETE FROM t WHERE id = 111',
      'INSERT INTO t VALUES (30, $$x$$); UPDATE t SET id = 31 WHERE id = 30; UPDATE t SET v = $$y$$ WHERE id = 31',
      'DELETE FROM t WHERE id = 12; INSERT INTO t VALUES (12, $$1$$); UPDATE t SET v = $$2$$ WHERE id = 12; DELETE FROM t WHERE id = 12; INSERT INTO t VALUES (12, $$3$$)',
      'DELETE FROM t WHERE id = 12',
      'INSERT INTO t VALUES (12, $$4$$); DELETE FROM t WHERE id = 12',
      'UPDATE t SET id = -id WHERE id > 0',
      'UPDATE t SET id = -id WHERE id < 0',
      'INSERT INTO t VALUES (13, $$upsert$$) ON CONFLICT (id) DO UPDATE SET v = excluded.v || $$!$$',
    ],
    async (trial) => assert.equal((await twinKeys(trial, 'public.t')).type, 'integer'),
  );
});

test('composite keys are the JSON array of their texts in the order of the index', async () => {
  await bothWays(
    `CREATE TABLE t (v text, b text, a integer, PRIMARY KEY (a, b));
     INSERT INTO t VALUES ('1', 'x', 1), ('2', 'qu"ote', 1), ('3', E'back\\\\slash\\n\\ttab', 2), ('4', '', 2), ('5', 'ö😀', 3)`,
    { 'public.t': { columns: { v: 'keep', b: 'keep', a: 'keep' } } },
    [
      `UPDATE t SET b = 'y' WHERE a = 1 AND b = 'x'`,
      `UPDATE t SET a = 9 WHERE a = 1 AND b = 'y'`,
      `UPDATE t SET v = 'changed' WHERE a = 2`,
      `UPDATE t SET b = b WHERE a = 3`,
      `INSERT INTO t VALUES ('6', 'null', 4), ('7', 'true', 4), ('8', ',', 4)`,
      `DELETE FROM t WHERE b = ''`,
    ],
    async (trial) => {
      const { type, keys } = await twinKeys(trial, 'public.t');
      assert.equal(type, 'text');
      assert.ok(keys.includes('["9","y"]') && keys.includes('["3","ö😀"]'));
    },
  );
});

test('equal keys with another text are one row: numeric by value, citext by its text', async () => {
  await bothWays(
    `CREATE EXTENSION citext;
     CREATE TABLE price (item numeric PRIMARY KEY, v text);
     CREATE TABLE nick (name citext PRIMARY KEY, v text);
     CREATE TABLE both_of (item numeric, name citext, v text, PRIMARY KEY (item, name));
     CREATE TABLE padded (code char(5) PRIMARY KEY, v text);
     INSERT INTO price VALUES (1.0, 'a'), (2, 'b'), (3.50, 'c');
     INSERT INTO nick VALUES ('Abc', 'a'), ('Bob', 'b'), ('Eve', 'c');
     INSERT INTO both_of VALUES (1.0, 'Abc', 'a'), (2, 'Bob', 'b');
     INSERT INTO padded VALUES ('a', '1'), ('b', '2')`,
    {
      'public.price': { columns: { item: 'keep', v: 'keep' } },
      'public.nick': { columns: { name: 'keep', v: 'keep' } },
      'public.both_of': { columns: { item: 'keep', name: 'keep', v: 'keep' } },
      'public.padded': { columns: { code: 'keep', v: 'keep' } },
    },
    [
      'UPDATE price SET item = 1.00 WHERE item = 1',
      'UPDATE price SET v = $$x$$ WHERE item = 1',
      'DELETE FROM price WHERE item = 2.0; INSERT INTO price VALUES (2.000, $$again$$)',
      'UPDATE price SET item = 3.5, v = $$y$$ WHERE item = 3.5; DELETE FROM price WHERE item = 3.5',
      'UPDATE nick SET name = $$ABC$$ WHERE name = $$abc$$',
      'UPDATE nick SET v = $$x$$ WHERE name = $$abc$$',
      'DELETE FROM nick WHERE name = $$BOB$$; INSERT INTO nick VALUES ($$bOB$$, $$again$$)',
      'UPDATE nick SET name = $$EVE$$ WHERE name = $$eve$$; DELETE FROM nick WHERE name = $$eve$$',
      'UPDATE both_of SET item = 1.00, name = $$ABC$$ WHERE item = 1',
      'UPDATE both_of SET name = $$bob$$, v = $$x$$ WHERE item = 2',
      'UPDATE padded SET code = $$c$$ WHERE code = $$a$$; DELETE FROM padded WHERE code = $$b$$',
    ],
    async (trial) => {
      assert.equal((await twinKeys(trial, 'public.price')).type, 'numeric');
      assert.equal((await twinKeys(trial, 'public.nick')).type, 'text');
    },
  );
});

test('keys under a hash: the same rows, joinable, and no raw key in the twin', async () => {
  await bothWays(
    `CREATE TABLE person (ssn text PRIMARY KEY, name text);
     CREATE TABLE visit (ssn text, day date, note text, PRIMARY KEY (ssn, day));
     INSERT INTO person SELECT 'ssn-' || i, 'n' || i FROM generate_series(1, 50) i;
     INSERT INTO visit SELECT 'ssn-' || i, '2026-01-01'::date + i, 'v' FROM generate_series(1, 50) i`,
    {
      'public.person': { columns: { ssn: { hash: { class: 'person' } }, name: 'keep' } },
      'public.visit': { columns: { ssn: { hash: { class: 'person', length: 40 } }, day: 'keep', note: 'keep' } },
    },
    [
      `UPDATE person SET ssn = 'ssn-x' WHERE ssn = 'ssn-1'`,
      `UPDATE person SET ssn = 'tmp' WHERE ssn = 'ssn-2'; UPDATE person SET ssn = 'ssn-2' WHERE ssn = 'ssn-3'; UPDATE person SET ssn = 'ssn-3' WHERE ssn = 'tmp'`,
      `UPDATE person SET name = 'changed' WHERE ssn = 'ssn-4'`,
      `DELETE FROM person WHERE ssn = 'ssn-5'`,
      `UPDATE visit SET day = day + 100 WHERE ssn < 'ssn-3'`,
      `DELETE FROM visit WHERE ssn = 'ssn-40'; INSERT INTO visit VALUES ('ssn-40', '2020-01-01', 'new')`,
    ],
    async (trial) => {
      const joined = 'SELECT count(*)::int AS n FROM public.visit v JOIN public.person p ON p.ssn = left(v.ssn, 32)';
      const raw = `SELECT count(*)::int AS n FROM public.person WHERE source_primary_key LIKE 'ssn%' OR source_primary_key <> ssn`;
      assert.equal((await trial.twin.query(joined)).rows[0].n, 48);
      assert.equal((await trial.twin.query(raw)).rows[0].n, 0);
    },
  );
});

test('a key of char(n) under a hash joins the same text, and short codes leave covered', async () => {
  await bothWays(
    `CREATE DOMAIN plate AS char(12);
     CREATE TABLE car (vin char(40) PRIMARY KEY, code char(10), plate plate, kept char(10));
     CREATE TABLE visit (id integer PRIMARY KEY, vin text);
     INSERT INTO car SELECT 'vin-' || i, 'ABCD', 'B-' || i, 'k' || i FROM generate_series(1, 20) i;
     INSERT INTO visit SELECT i, 'vin-' || i FROM generate_series(1, 20) i`,
    {
      'public.car': {
        columns: { vin: 'hash', code: { mask: { first: 4 } }, plate: { mask: { first: 2, last: 2 } }, kept: 'keep' },
      },
      'public.visit': { columns: { id: 'keep', vin: 'hash' } },
    },
    [
      `UPDATE car SET vin = 'vin-x' WHERE vin = 'vin-1'; UPDATE visit SET vin = 'vin-x' WHERE id = 1`,
      `UPDATE car SET code = 'EFG', plate = 'M-1' WHERE vin = 'vin-2'`,
      `DELETE FROM car WHERE vin = 'vin-3'`,
    ],
    async (trial) => {
      const joined = 'SELECT count(*)::int AS n FROM public.visit v JOIN public.car c ON c.source_primary_key = v.vin';
      assert.equal((await trial.twin.query(joined)).rows[0].n, 19);
      const { rows } = await trial.twin.query('SELECT DISTINCT rtrim(code) AS code FROM public.car ORDER BY 1');
      assert.deepEqual(rows, [{ code: '***' }, { code: '****' }]);
      const short = `SELECT count(*)::int AS n FROM public.car WHERE plate ~ '^[^*]*$'`;
      assert.equal((await trial.twin.query(short)).rows[0].n, 0);
    },
  );
});

test('a key under a unique fake is the fake itself, and each row keeps its own', async () => {
  const setup = `CREATE TABLE person (email varchar(90) PRIMARY KEY, n integer);
    INSERT INTO person SELECT 'p' || i || '@shop.test', i FROM generate_series(1, 500) i`;
  await using trial = await servers.trial(setup, {
    'public.person': { columns: { email: { fake: { kind: 'email', unique: true } }, n: 'keep' } },
  });
  const pgveil = await trial.stream();
  await trial.source.query(
    `UPDATE person SET email = 'new@shop.test' WHERE n = 1; UPDATE person SET n = n + 1000 WHERE n > 250`,
  );
  await trial.source.query('DELETE FROM person WHERE n = 2');
  await trial.holdsAll(pgveil);
  const { rows } = await trial.twin.query(`
    SELECT count(*)::int AS rows, count(DISTINCT source_primary_key)::int AS keys, count(*) FILTER (WHERE n > 1000)::int AS changed,
      bool_and(source_primary_key = email) AS same, bool_or(email LIKE '%shop.test') AS raw FROM public.person`);
  assert.deepEqual(rows[0], { rows: 499, keys: 499, changed: 250, same: true, raw: false });
});

test('a key that the configuration names serves under REPLICA IDENTITY USING INDEX and FULL', async () => {
  const columns = { id: 'drop', code: 'keep', region: 'keep', v: 'keep' } as const;
  await bothWays(
    `CREATE TABLE by_index (id serial PRIMARY KEY, code text NOT NULL UNIQUE, region text, v text);
     ALTER TABLE by_index REPLICA IDENTITY USING INDEX by_index_code_key;
     CREATE TABLE by_full (id serial, code text NOT NULL, region text NOT NULL, v text, UNIQUE (region, code));
     ALTER TABLE by_full REPLICA IDENTITY FULL;
     INSERT INTO by_index (code, region, v) SELECT 'c' || i, 'r', i FROM generate_series(1, 9) i;
     INSERT INTO by_full (code, region, v) SELECT 'c' || i, 'r' || i % 3, i FROM generate_series(1, 9) i`,
    {
      'public.by_index': { key: ['code'], columns },
      'public.by_full': { key: ['region', 'code'], columns },
    },
    ['by_index', 'by_full'].flatMap((table) => [
      `UPDATE ${table} SET v = 'x' WHERE code = 'c1'`,
      `UPDATE ${table} SET code = 'moved' WHERE code = 'c2'`,
      `UPDATE ${table} SET id = id + 100`,
      `DELETE FROM ${table} WHERE code = 'c3'`,
      `INSERT INTO ${table} (code, region, v) VALUES ('c3', 'r9', 'again')`,
    ]),
  );
});
