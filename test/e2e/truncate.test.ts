import { after, test } from 'node:test';
import { Servers } from '../support/trial/servers.ts';

const servers = await Servers.start();
after(() => servers[Symbol.asyncDispose]());

const SETUP = `
  CREATE TABLE parent (id serial PRIMARY KEY, v text);
  CREATE TABLE child (id serial PRIMARY KEY, parent integer REFERENCES parent, v text);
  CREATE TABLE unlisted (id integer PRIMARY KEY, parent integer REFERENCES parent);
  CREATE TABLE alone (id integer PRIMARY KEY, v text);
  INSERT INTO parent (v) SELECT i FROM generate_series(1, 100) i;
  INSERT INTO child (parent, v) SELECT i, i FROM generate_series(1, 100) i;
  INSERT INTO alone SELECT i, i FROM generate_series(1, 100) i;
`;

const tables = {
  'public.parent': { columns: { id: 'keep', v: 'hash' } },
  'public.child': { columns: { id: 'keep', parent: 'keep', v: 'keep' } },
  'public.alone': { columns: { id: 'keep', v: 'keep' } },
} as const;

/** Each is one transaction; the twin must be right after every one. */
const TRUNCATES = {
  'of one table': 'TRUNCATE alone',
  'between inserts': `INSERT INTO alone VALUES (500, 'before'); TRUNCATE alone; INSERT INTO alone VALUES (500, 'after'), (501, 'after')`,
  'between changes of rows that were there': `UPDATE alone SET v = 'x' WHERE id = 1; DELETE FROM alone WHERE id = 2; UPDATE alone SET id = 600 WHERE id = 3; TRUNCATE alone; INSERT INTO alone VALUES (1, 'new')`,
  'twice in one transaction': `TRUNCATE alone; INSERT INTO alone VALUES (1, 'one'); TRUNCATE alone; INSERT INTO alone VALUES (1, 'two')`,
  'of several tables': `TRUNCATE parent, child, alone, unlisted; INSERT INTO parent VALUES (1, 'p'); INSERT INTO child VALUES (1, 1, 'c')`,
  'that cascades, also to a table that is not listed': `TRUNCATE parent CASCADE; INSERT INTO alone VALUES (700, 'x')`,
  'that restarts its sequence': `TRUNCATE parent RESTART IDENTITY CASCADE; INSERT INTO parent (v) VALUES ('first')`,
  'that was rolled back to a savepoint':
    'SAVEPOINT here; TRUNCATE alone; ROLLBACK TO here; DELETE FROM alone WHERE id = 4',
};

for (const [what, sql] of Object.entries(TRUNCATES)) {
  test(`a truncate ${what} comes out right, streamed and caught up with`, async () => {
    const transaction = `BEGIN; ${sql}; COMMIT`;
    await using trial = await servers.trial(SETUP, tables);
    const pgveil = await trial.stream();
    await trial.source.query(transaction);
    await trial.holdsAll(pgveil);
    await trial.assertEqual();

    await pgveil.stop();
    await trial.source.query(`INSERT INTO alone SELECT i, 'more' FROM generate_series(1000, 1100) i`);
    await trial.source.query(
      'DELETE FROM alone WHERE id < 1000; INSERT INTO alone VALUES (1, $$a$$), (2, $$b$$), (3, $$c$$)',
    );
    await trial.source.query(transaction);
    await trial.source.query(`UPDATE alone SET v = 'last' WHERE id % 2 = 0`);
    await trial.catchUp();
    await trial.assertEqual();
  });
}
