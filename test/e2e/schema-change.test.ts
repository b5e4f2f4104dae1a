import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { canary } from '../support/judge/canary.ts';
import type { Tables } from '../support/judge/decisions.ts';
import { Servers } from '../support/trial/servers.ts';
import type { Service } from '../support/trial/service.ts';
import type { Trial } from '../support/trial/trial.ts';

const servers = await Servers.start({
  sourceSettings: { log_statement: 'all', log_line_prefix: '%m ', log_timezone: 'UTC' },
  twinSettings: { wal_keep_size: '2GB' },
});
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

test('a change that no row follows is noticed within two looks at the catalog, by the process that runs', async () => {
  await using trial = await servers.trial(SETUP, tables);
  const service = await trial.stream();
  await trial.source.query('ALTER TABLE person ADD more text');
  const [changed] = (await trial.source.query('SELECT clock_timestamp() AS at')).rows;
  await service.copiesAnew('public.person', 1);
  const line = service.process.output.split('\n').find((said) => said.includes('column more is new'));
  const noticed = new Date(JSON.parse(line!).time);
  const asked = /^(\S+) (\S+) UTC LOG: .*\n\s*WITH published_schema AS MATERIALIZED/gm;
  const looks = [...(await servers.source.log()).matchAll(asked)]
    .map(([, day, time]) => new Date(`${day}T${time}Z`))
    .filter((at) => at > changed.at && at <= noticed);
  assert.ok(looks.length === 1 || looks.length === 2, `it took ${looks.length} looks`);
});

test('after all of this no file and no log of the twin holds a number', async () => {
  await servers.assertNoLeak([ssn]);
});
