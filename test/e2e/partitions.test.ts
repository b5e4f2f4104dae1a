import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { Servers } from '../support/trial/servers.ts';

const servers = await Servers.start();
after(() => servers[Symbol.asyncDispose]());

/** Two levels, leaves whose columns stand in another order or once had others, a default partition, a schema of its own. */
const SETUP = `
  CREATE SCHEMA old;
  CREATE TABLE sale (id integer, year integer, region text, buyer text, note text, PRIMARY KEY (year, region, id)) PARTITION BY RANGE (year);
  CREATE TABLE sale_2024 PARTITION OF sale FOR VALUES FROM (2024) TO (2025) PARTITION BY LIST (region);
  CREATE TABLE sale_2024_north PARTITION OF sale_2024 FOR VALUES IN ('north');
  CREATE TABLE old.sale_2024_south (note text, gone integer, buyer text, region text NOT NULL, year integer NOT NULL, id integer NOT NULL);
  ALTER TABLE old.sale_2024_south DROP COLUMN gone;
  ALTER TABLE sale_2024 ATTACH PARTITION old.sale_2024_south FOR VALUES IN ('south');
  CREATE TABLE sale_2025 (buyer text, id integer NOT NULL, note text, region text NOT NULL, year integer NOT NULL);
  ALTER TABLE sale ATTACH PARTITION sale_2025 FOR VALUES FROM (2025) TO (2026);
  CREATE TABLE sale_rest PARTITION OF sale DEFAULT;
  ALTER TABLE sale_2024_north ALTER note SET STORAGE EXTERNAL;
  ALTER TABLE sale_2025 ALTER note SET STORAGE EXTERNAL;
  INSERT INTO sale SELECT i, 2023 + i % 4, CASE WHEN i % 8 < 4 THEN 'north' ELSE 'south' END, 'buyer ' || i, repeat(md5(i::text), i % 200)
    FROM generate_series(1, 400) i;
`;

const tables = {
  'public.sale': { columns: { id: 'keep', year: 'keep', region: 'keep', buyer: 'hash', note: { mask: { first: 3 } } } },
} as const;

const CHANGES = [
  `INSERT INTO sale SELECT i, 2023 + i % 4, 'south', 'late ' || i, NULL FROM generate_series(1001, 1100) i`,
  `UPDATE sale SET buyer = 'changed ' || id WHERE id % 3 = 0`,
  // Rows move to another leaf: over a level, within one, to and from the default partition, with large values left alone
  'UPDATE sale SET year = 2025 WHERE year = 2024 AND id < 100',
  `UPDATE sale SET region = 'north' WHERE year = 2024 AND region = 'south'`,
  'UPDATE sale SET year = 1999 WHERE year = 2025 AND id > 300',
  'UPDATE sale SET year = 2024 WHERE year = 1999 AND id % 2 = 1',
  `BEGIN; UPDATE sale SET year = 2025 WHERE id = 4; UPDATE sale SET buyer = 'twice' WHERE id = 4; UPDATE sale SET year = 2024 WHERE id = 4; COMMIT`,
  'DELETE FROM sale WHERE id % 11 = 0',
  `INSERT INTO old.sale_2024_south (id, year, region, buyer) VALUES (5000, 2024, 'south', 'into the leaf')`,
  `UPDATE sale_2025 SET note = 'by the leaf' WHERE id % 5 = 0`,
];

test('a partitioned table arrives whole, through its root, whatever its leaves look like', async () => {
  await using trial = await servers.trial(SETUP, tables);
  const pgveil = await trial.stream();
  await trial.assertEqual();
  for (const change of CHANGES) await trial.source.query(change);
  await trial.holdsAll(pgveil);
  await trial.assertEqual();
  const { rows } = await trial.twin.query(
    `SELECT count(*)::int AS n FROM pg_class WHERE relname LIKE '%sale\\_2%' AND relkind = 'r'`,
  );
  assert.equal(rows[0].n, 0, 'the twin has tables for the leaves');
});

test('a truncate of the root empties the table in its place in the transaction', async () => {
  await using trial = await servers.trial(SETUP, tables);
  const pgveil = await trial.stream();
  await trial.source.query(`
    BEGIN;
    INSERT INTO sale VALUES (9001, 2024, 'north', 'before');
    TRUNCATE sale;
    INSERT INTO sale VALUES (9001, 2025, 'north', 'after');
    COMMIT`);
  await trial.holdsAll(pgveil);
  await trial.assertEqual();
  // The leaves lie in other files now, which is no reason for a copy; what is one comes later.
  assert.equal((await pgveil.status()).tables['public.sale']?.generation, 1);
  await trial.source.query('ALTER TABLE sale DETACH PARTITION sale_rest');
  await pgveil.copiesAnew('public.sale', 1);
});

test('changes of partitions while the service was down arrive too', async () => {
  await using trial = await servers.trial(SETUP, tables);
  await (await trial.stream()).stop();
  for (const change of CHANGES) await trial.source.query(change);
  await trial.catchUp();
  await trial.assertEqual();
});

// Nothing of these is in the stream.
const UNSEEN = {
  'a truncated leaf': 'TRUNCATE sale_2025',
  'a leaf attached with rows': `CREATE TABLE sale_2026 (LIKE sale INCLUDING ALL); INSERT INTO sale_2026 VALUES (1, 2030, 'x', 'y'); ALTER TABLE sale ATTACH PARTITION sale_2026 FOR VALUES FROM (2030) TO (2031)`,
  'a detached leaf': 'ALTER TABLE sale DETACH PARTITION sale_2025',
  'a dropped leaf': 'DROP TABLE sale_2025',
};

for (const [what, sql] of Object.entries(UNSEEN)) {
  test(`${what} is noticed and the table copied anew within thirty seconds`, async () => {
    await using trial = await servers.trial(SETUP, tables);
    const pgveil = await trial.stream();
    await trial.source.query(sql);
    await pgveil.copiesAnew('public.sale', 1);
    await trial.holdsAll(pgveil);
    await trial.assertEqual();
  });
}
