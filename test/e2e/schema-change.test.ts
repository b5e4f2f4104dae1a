import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { canary } from '../support/canary.ts';
import type { Tables } from '../support/decisions.ts';
import { Servers } from '../support/servers.ts';
import type { Service } from '../support/service.ts';
import type { Trial } from '../support/trial.ts';

const servers = await Servers.start({ twinSettings: { wal_keep_size: '2GB' } });
after(() => servers[Symbol.asyncDispose]());

const tables: Tables = {
  'public.person': { columns: { id: 'keep', ssn: 'hash', note: 'keep' } },
  'public.other': { columns: { id: 'keep', v: 'keep' } },
};

/** Part of every number: it must not leave, under whatever name it stands. */
const ssn = canary('a social security number');

const quote = (text: string) => `'${text.replaceAll("'", "''")}'`;

const SETUP = `
  CREATE TABLE person (id integer PRIMARY KEY, ssn text, note text);
  INSERT INTO person SELECT i, ${quote(`${ssn.value} `)} || i, 'note ' || i FROM generate_series(1, 500) i;
  CREATE TABLE other (id integer PRIMARY KEY, v text);
  INSERT INTO other VALUES (1, 'a')`;

/** After the DDL the old numbers stand under `note`, which is kept: what RELATION says is byte for byte what it said before. */
const RENAME_INTO_PLACE = `
  ALTER TABLE person DROP note;
  ALTER TABLE person RENAME ssn TO note;
  ALTER TABLE person ADD ssn text;
  UPDATE person SET ssn = 'new'`;

const SWAP = `
  ALTER TABLE person RENAME ssn TO between;
  ALTER TABLE person RENAME note TO ssn;
  ALTER TABLE person RENAME between TO note;
  UPDATE person SET id = id + 1000`;

/** The table is halted for good, the other one goes on, and nothing raw left. */
async function assertHalted(trial: Trial, service: Service, code: string): Promise<void> {
  await service.halts('public.person', code);
  await trial.source.query('UPDATE person SET id = id + 5000');
  await trial.source.query(`INSERT INTO other VALUES (2, 'b')`);
  await service.copiesAnew('public.other', 0);
  await trial.holdsAll(service);
  await trial.assertEqual({ 'public.other': tables['public.other']! });
  assert.equal((await service.status()).tables['public.person']?.halt?.code, code);
  await trial.assertSilent([ssn], service);
}

for (const [what, ddl] of Object.entries({
  'a column renamed into place': RENAME_INTO_PLACE,
  'a swap of two columns': SWAP,
})) {
  describe(`${what}, with rows behind it in one transaction`, () => {
    const transaction = `BEGIN; ${ddl}; COMMIT`;

    test('while running: the table halts before the first of them', async () => {
      await using trial = await servers.trial(SETUP, tables);
      const service = await trial.stream();
      await trial.source.query('UPDATE person SET id = -id');
      await trial.source.query(transaction);
      await assertHalted(trial, service, 'names_moved');
    });

    test('while down: the next start halts the table', async () => {
      await using trial = await servers.trial(SETUP, tables);
      await (await trial.stream()).stop();
      await trial.source.query(transaction);
      await assertHalted(trial, await trial.run(), 'names_moved');
    });

    test('between the snapshot and its COPY: not one row of it is sent', async () => {
      await using trial = await servers.trial(SETUP, tables);
      const service = await trial.run({ fault: 'snapshot exported:1:SIGSTOP' });
      await service.holds();
      await trial.source.query(transaction);
      service.process.kill('SIGCONT');
      await assertHalted(trial, service, 'names_moved');
    });

    test('between a crash in the first copy and the next start: the names are still those of the first', async () => {
      await using trial = await servers.trial(SETUP, tables);
      const service = await trial.run({ fault: 'chunk committed' });
      await service.dies();
      await trial.source.query(transaction);
      await assertHalted(trial, await trial.run(), 'names_moved');
    });

    test('behind rows that are read only when the catalog has changed twice since', async () => {
      await using trial = await servers.trial(SETUP, tables);
      await (await trial.stream()).stop();
      await trial.source.query(transaction);
      await trial.source.query(`INSERT INTO person (id, note) VALUES (9000, ${quote(ssn.value)})`);
      await trial.source.query('BEGIN; ALTER TABLE person DROP note; ALTER TABLE person ADD note text; COMMIT');
      const service = await trial.run();
      if (ddl === SWAP) {
        await service.halts('public.person', 'names_moved');
      } else {
        // By then both columns are new ones, under names that have decisions.
        await service.copiesAnew('public.person', 1);
        await trial.holdsAll(service);
        await trial.assertEqual();
      }
      await trial.assertSilent([ssn], service);
    });
  });
}

describe('a definition that changed', () => {
  const GONE = {
    'a table renamed': 'ALTER TABLE person RENAME TO people',
    'a table moved to another schema': 'CREATE SCHEMA archive; ALTER TABLE person SET SCHEMA archive',
    'a table dropped': 'DROP TABLE person',
  };

  for (const [what, ddl] of Object.entries(GONE)) {
    test(`${what}: halted as missing, and readable as it was`, async () => {
      await using trial = await servers.trial(SETUP, tables);
      const service = await trial.stream();
      await trial.source.query(ddl);
      await service.halts('public.person', 'table_missing');
      const { rows } = await trial.twin.query('SELECT count(*)::int AS n FROM person');
      assert.equal(rows[0].n, 500);
    });
  }

  test('a table renamed and, with a change in between, renamed back: copied anew', async () => {
    await using trial = await servers.trial(SETUP, tables);
    const service = await trial.stream();
    await trial.source.query('ALTER TABLE person RENAME TO people');
    await service.halts('public.person', 'table_missing');
    await trial.source.query(`UPDATE people SET note = 'unseen'; ALTER TABLE people RENAME TO person`);
    await service.copiesAnew('public.person', 1);
    await trial.holdsAll(service);
    await trial.assertEqual();
  });

  /** What every busy database does and what must not cost a copy. */
  const HARMLESS = [
    'ANALYZE person',
    'VACUUM FULL person',
    'CLUSTER person USING person_pkey',
    'CREATE INDEX ON person (note)',
    'REINDEX TABLE person',
    `COMMENT ON TABLE person IS 'people'`,
    'GRANT SELECT ON person TO PUBLIC',
    'ALTER TABLE person ALTER note SET STATISTICS 1000',
    `ALTER TABLE person ALTER note SET DEFAULT 'none'`,
    'ALTER TABLE person ADD CHECK (id <> 0)',
  ];

  test('vacuums, indexes, grants, comments, defaults and statistics change nothing', async () => {
    await using trial = await servers.trial(SETUP, tables);
    const service = await trial.stream();
    const generation = (await service.status()).tables['public.person']!.generation;
    for (const [at, statement] of HARMLESS.entries()) {
      await trial.source.query(statement);
      await trial.source.query(`UPDATE person SET note = 'after ${at}' WHERE id = ${at + 1}`);
    }
    const status = await trial.holdsAll(service);
    assert.deepEqual(
      [status.tables['public.person']?.state, status.tables['public.person']?.generation],
      ['streaming', generation],
    );
    await trial.assertEqual();
  });

  test('a DDL that was rolled back to a savepoint changes nothing', async () => {
    await using trial = await servers.trial(SETUP, tables);
    const service = await trial.stream();
    await trial.source.query(`
      BEGIN;
      UPDATE person SET note = 'before' WHERE id = 1;
      SAVEPOINT here;
      ALTER TABLE person RENAME ssn TO x; ALTER TABLE person RENAME note TO ssn; ALTER TABLE person RENAME x TO note;
      UPDATE person SET id = id + 1000;
      ROLLBACK TO here;
      UPDATE person SET note = 'after' WHERE id = 2;
      COMMIT`);
    await trial.holdsAll(service);
    await trial.assertEqual();
  });
});

test('after all of this no file and no log of the twin holds a number', async () => {
  await servers.assertNoLeak([ssn]);
});
