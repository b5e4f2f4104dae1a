import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { keepPublication } from '../../../../connectors/postgres/catalog/publication.ts';
import { findHarmed, withdrawHarmed } from '../../../../connectors/postgres/catalog/withdrawal.ts';
import { Turn } from '../../../../connectors/postgres/turn.ts';
import type { Observation } from '../../../../src/core/observer.ts';
import { forMajors } from '../../../support/postgres/majors.ts';
import { type PostgresServer, startPostgres } from '../../../support/postgres/postgres.ts';
import { until } from '../../../support/wait.ts';
import { ask, Database } from '../parts.ts';

/** What somebody does to a published table `t (id PRIMARY KEY, a NOT NULL UNIQUE, n)`, and to a partitioned one like it. */
const DONE: Readonly<Record<string, string>> = {
  nothing: '',
  keyless: 'ALTER TABLE t DROP CONSTRAINT t_pkey',
  keylessFull: 'ALTER TABLE t DROP CONSTRAINT t_pkey; ALTER TABLE t REPLICA IDENTITY FULL',
  identityNothing: 'ALTER TABLE t REPLICA IDENTITY NOTHING',
  byIndex: 'ALTER TABLE t REPLICA IDENTITY USING INDEX t_a_key',
  indexGone: 'ALTER TABLE t REPLICA IDENTITY USING INDEX t_a_key; ALTER TABLE t DROP CONSTRAINT t_a_key',
  deferrable: 'ALTER TABLE t DROP CONSTRAINT t_pkey; ALTER TABLE t ADD PRIMARY KEY (id) DEFERRABLE',
  stored: 'ALTER TABLE t ADD g int GENERATED ALWAYS AS (a) STORED',
  storedFull: 'ALTER TABLE t ADD g int GENERATED ALWAYS AS (a) STORED; ALTER TABLE t REPLICA IDENTITY FULL',
  storedIdentity: `ALTER TABLE t ADD g int GENERATED ALWAYS AS (a) STORED NOT NULL; CREATE UNIQUE INDEX g ON t (g);
    ALTER TABLE t REPLICA IDENTITY USING INDEX g`,
  partition: 'ALTER TABLE p_low REPLICA IDENTITY NOTHING',
  partitionFull: 'ALTER TABLE p ADD g int GENERATED ALWAYS AS (a) STORED; ALTER TABLE p_low REPLICA IDENTITY FULL',
  inherited: 'CREATE TABLE child () INHERITS (t)',
};

const SINCE_18: Readonly<Record<string, string>> = {
  virtual: 'ALTER TABLE t ADD g int GENERATED ALWAYS AS (a) VIRTUAL',
  virtualFull: 'ALTER TABLE t ADD g int GENERATED ALWAYS AS (a) VIRTUAL; ALTER TABLE t REPLICA IDENTITY FULL',
  virtualPartition: 'ALTER TABLE p ADD g int GENERATED ALWAYS AS (a) VIRTUAL; ALTER TABLE p_low REPLICA IDENTITY FULL',
  noneSent: `ALTER PUBLICATION veil SET (publish_generated_columns = none);
    ALTER TABLE t ADD g int GENERATED ALWAYS AS (a) STORED; ALTER TABLE t REPLICA IDENTITY FULL`,
};

const SETUP = `
  CREATE TABLE t (id int PRIMARY KEY, a int NOT NULL UNIQUE, n text); INSERT INTO t VALUES (1, 1, ''), (2, 2, '');
  CREATE TABLE p (id int PRIMARY KEY, a int NOT NULL, n text) PARTITION BY RANGE (id);
  CREATE TABLE p_low PARTITION OF p FOR VALUES FROM (0) TO (10); INSERT INTO p VALUES (1, 1, ''), (2, 2, '')`;

const both = ask('public.p', 'public.t');

forMajors('what a publication does to the application', { core: true }, (major) => {
  let server: PostgresServer;
  before(async () => {
    server = await startPostgres({ major, settings: { wal_level: 'logical' } });
  });
  after(() => server[Symbol.asyncDispose]());

  async function published(done = ''): Promise<Database> {
    const database = await Database.create(server, SETUP);
    await keepPublication(database.url, database.observer, 'veil', await database.read(both));
    if (done) await database.query(done);
    return database;
  }

  const writes = (database: Database, table: string) =>
    database.query(`UPDATE ${table} SET n = 'changed' WHERE id = 1; DELETE FROM ${table} WHERE id = 2`);

  for (const [name, done] of Object.entries({ ...DONE, ...(major >= 18 ? SINCE_18 : {}) })) {
    test(`${name}: it is seen to be harmed if the server refuses writes, and can be read only if not`, async () => {
      await using database = await published(done);
      const harmed = (await findHarmed(database.observer, 'veil')).map(({ relation }) => relation);
      const { tables } = await database.read(both);
      for (const table of ['p', 't']) {
        const refused = await writes(database, table).then(
          () => false,
          (error: Error) => /cannot update table/.test(error.message),
        );
        assert.equal(harmed.includes(table), refused, `${table} is harmed`);
        // One that is ours and sends none is told to, before it is read again.
        if (refused && name !== 'noneSent') assert.ok(tables.get(`public.${table}`)!.problem, `${table} can be read`);
      }
    });
  }

  test('a table that is harmed is taken out within a moment, said aloud, and the others stay', async () => {
    await using database = await published();
    const told: Observation[] = [];
    const stop = new AbortController();
    const source = { url: database.url, publication: 'veil' };
    const use = <T>(work: (client: typeof database.observer) => Promise<T>) => work(database.observer);
    const observe = (observation: Observation) => told.push(observation);
    const running = withdrawHarmed({ source, asked: both, use, publishing: new Turn(), observe }, stop.signal);
    await database.query(DONE.identityNothing!);
    const can = () =>
      writes(database, 't').then(
        () => true,
        () => false,
      );
    await until(can, { what: 'the application to write again' });
    await until(() => told.length > 0, { what: 'a warning' });
    stop.abort();
    await running;
    assert.deepEqual(
      told.map((one) => one.type === 'warning' && [one.table, one.code]),
      [['public.t', 'writes_refused']],
    );
    const members = await database.query('SELECT prrelid::regclass::text AS name FROM pg_publication_rel');
    assert.deepEqual(members, [{ name: 'p' }]);
  });

  test('a publication that a person made is left to that person', async () => {
    await using database = await Database.create(server, `${SETUP}; CREATE PUBLICATION veil FOR TABLE t, p`);
    await database.query(DONE.identityNothing!);
    assert.deepEqual(await findHarmed(database.observer, 'veil'), []);
  });
});
