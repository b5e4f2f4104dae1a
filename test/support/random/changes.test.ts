import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { createDatabase, startPostgres } from '../postgres/postgres.ts';
import { RandomChanges } from './changes.ts';
import { Random } from './prng.ts';

const server = await startPostgres({ own: true });
after(() => server[Symbol.asyncDispose]());

const SETUP = `
  CREATE TABLE one (id integer PRIMARY KEY, a text, b varchar(10), c numeric(6,2), d timestamptz, e text);
  ALTER TABLE one ALTER e SET STORAGE EXTERNAL;
  CREATE TABLE two (region text, at uuid, data jsonb, blob bytea, PRIMARY KEY (region, at));
  CREATE TABLE child (id integer PRIMARY KEY, parent integer NOT NULL REFERENCES one);
  INSERT INTO one SELECT i FROM generate_series(1, 100) i;
`;
const TABLES = ['public.one', 'public.two', 'public.child'];

/** Runs a seed in a database of its own and returns what the tables hold then. */
async function runSeed(seed: number, database: string): Promise<string> {
  const url = await createDatabase(server, database);
  await using client = await server.connect(database);
  await client.query(SETUP);
  const changes = await RandomChanges.open(client, url, new Random(seed), TABLES, { truncate: 0.1 });
  await changes.transactions(5_000);
  const dumps = await Promise.all(
    TABLES.map((table) => server.query(`SELECT t::text FROM ${table} t ORDER BY 1`, { database })),
  );
  return JSON.stringify(dumps);
}

test('the same seed leaves the same rows, another seed others', async () => {
  const [once, again, other] = [await runSeed(1, 'once'), await runSeed(1, 'again'), await runSeed(2, 'other')];
  assert.ok(once.length > 10_000);
  assert.equal(again, once);
  assert.notEqual(other, once);
});

test('whoever goes on with tables that have keys already makes none of them again', async () => {
  const url = await createDatabase(server, 'reopened');
  await using client = await server.connect('reopened');
  await client.query('CREATE TABLE named (name text PRIMARY KEY, note text)');
  const inserting = { insert: 1, update: 0, delete: 0, move: 0, swap: 0, replace: 0, rollback: 0 };
  for (let seed = 1; seed <= 20; seed++) {
    const changes = await RandomChanges.open(client, url, new Random(seed), ['public.named'], inserting);
    await changes.transactions(100);
  }
});

test('a run does all that a source can do to a row', async () => {
  const url = await createDatabase(server, 'kinds');
  await using client = await server.connect('kinds');
  await client.query(SETUP);
  const statements: string[] = [];
  const recording = { query: async (sql: string) => statements.push(...sql.split(';\n')) };
  await client.query('SET session_replication_role = replica');
  const changes = await RandomChanges.open(recording as never, url, new Random(3), TABLES, { truncate: 1 });
  await changes.transactions(5_000);
  for (const start of ['BEGIN', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'SAVEPOINT', 'ROLLBACK TO', 'COMMIT']) {
    assert.ok(
      statements.some((statement) => statement.startsWith(start)),
      start,
    );
  }
  assert.ok(
    statements.some((statement) => /'[0-9a-f]{2500,}'/.test(statement)),
    'a value stored out of line',
  );
});
