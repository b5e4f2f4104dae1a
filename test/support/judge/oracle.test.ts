import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { createDatabase, startPostgres } from '../postgres/postgres.ts';
import type { Tables } from './decisions.ts';
import { differences } from './oracle.ts';

// The twin is made by hand here: what the oracle says of a right one, and of each way to be wrong.

const server = await startPostgres({ own: true });
after(() => server[Symbol.asyncDispose]());

const SOURCE = `
  CREATE TABLE person (id integer PRIMARY KEY, name text, mail text, city char(5), secret text, amount numeric, later text, plate char(6),
    shout text GENERATED ALWAYS AS (upper(name)) STORED);
  INSERT INTO person VALUES (1, 'Ann', 'ann@a.test', 'Bern', 's1', 1.10, 'x', 'B-1'), (2, NULL, 'bob@b.test', NULL, NULL, 2.5, NULL, NULL);
  CREATE TABLE price (item numeric, region text, PRIMARY KEY (item, region));
  INSERT INTO price VALUES (1.0, 'a"b'), (2.00, 'ö');
`;

const TWIN = `
  CREATE TABLE person (source_primary_key integer PRIMARY KEY, id integer, name text, mail text, city char(5), amount numeric, later text, plate char(6));
  INSERT INTO person VALUES (1, 1, 'A**', 'zoe@example.com', 'Bern', 1, NULL, '***'), (2, 2, NULL, 'max@example.org', NULL, 3, NULL, NULL);
  CREATE TABLE price (source_primary_key text PRIMARY KEY, item numeric, region text);
  INSERT INTO price VALUES ('["1.0","a\\"b"]', 1.0, 'a"b'), ('["2.00","ö"]', 2.00, 'ö');
`;

const tables: Tables = {
  'public.person': {
    columns: {
      id: 'keep',
      name: { mask: { first: 1 } },
      mail: { fake: 'email' },
      city: 'keep',
      secret: 'drop',
      amount: { round: 0 },
      plate: { mask: { first: 3 } },
    },
  },
  'public.price': { columns: { item: 'keep', region: 'keep' } },
};

let databases = 0;

/** What the oracle says of the right twin after `damage` (SQL) was done to it: `table: what (rows)`. */
async function verdict(damage = ''): Promise<string[]> {
  const [source, twin] = [`source${++databases}`, `twin${databases}`];
  const urls = { source: await createDatabase(server, source), twin: await createDatabase(server, twin) };
  await server.query(SOURCE, { database: source });
  await server.query(`${TWIN}; ${damage}`, { database: twin });
  const found = await differences({ ...urls, tables, key: Buffer.alloc(32, 'k') });
  return found.map(({ table, what, rows }) => `${table}: ${what} (${rows})`);
}

test('a right twin has no differences', async () => {
  assert.deepEqual(await verdict(), []);
});

const DAMAGES: readonly (readonly [string, string, string])[] = [
  ['a missing row', 'DELETE FROM person WHERE id = 2', 'public.person: missing (1)'],
  ['an extra row', `INSERT INTO price VALUES ('["3","c"]', 3, 'c')`, 'public.price: extra (1)'],
  ['a raw value', `UPDATE person SET name = 'Ann' WHERE id = 1`, 'public.person: different in name (1)'],
  [
    'a raw address',
    `UPDATE person SET mail = 'ann@a.test' WHERE id = 1`,
    'public.person: mail: not of the form of a fake email (1)',
  ],
  [
    'a mask that took the padding for a part',
    `UPDATE person SET plate = 'B-1***' WHERE id = 1`,
    'public.person: different in plate (1)',
  ],
  ['a NULL where none was', 'UPDATE person SET city = NULL', 'public.person: different in city (1)'],
  [
    'another text of the same number',
    'UPDATE price SET item = 1.00 WHERE item = 1',
    'public.price: different in item (1)',
  ],
  ['a value nobody decided on', `UPDATE person SET later = 'x' WHERE id = 1`, 'public.person: different in later (1)'],
  ['a column too many', 'ALTER TABLE person ADD secret text', 'public.person: other columns than expected (0)'],
  ['no table', 'DROP TABLE price', 'public.price: no such table in the twin (0)'],
];

for (const [damage, sql, what] of DAMAGES) {
  test(`${damage} is found`, async () => {
    assert.deepEqual(await verdict(sql), [what]);
  });
}
