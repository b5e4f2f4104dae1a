import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { canary } from '../support/judge/canary.ts';
import type { Tables } from '../support/judge/decisions.ts';
import { Servers } from '../support/trial/servers.ts';
import type { Trial } from '../support/trial/trial.ts';
import { spareOf } from '../support/trial/trial-configuration.ts';
import { until } from '../support/wait.ts';

// A sink is added after names moved on the source: what they were bound to is known to the sinks that were there before.

const servers = await Servers.start({ twinSettings: { wal_keep_size: '2GB' } });
after(() => servers[Symbol.asyncDispose]());

/** After the swap it stands under a name that is kept. */
const ssn = canary('a social security number');

const SETUP = `
  CREATE TABLE person (id integer PRIMARY KEY, ssn text, note text);
  INSERT INTO person SELECT i, '${ssn.value} ' || i, 'a note' FROM generate_series(1, 500) i;
  CREATE TABLE other (id integer PRIMARY KEY, v text);
  INSERT INTO other VALUES (1, 'a')`;

const tables: Tables = {
  'public.person': { columns: { id: 'keep', ssn: 'hash', note: 'keep' } },
  'public.other': { columns: { id: 'keep', v: 'keep' } },
};

const SWAP = `ALTER TABLE person RENAME ssn TO between; ALTER TABLE person RENAME note TO ssn;
  ALTER TABLE person RENAME between TO note`;

const trialOf = () => servers.trial(SETUP, tables, { spare: { patience: '0s' } });

function twinAlone(trial: Trial): Record<string, unknown> {
  const { sinks } = trial.configuration() as { sinks: Record<string, unknown> };
  return { sinks: { twin: sinks.twin } };
}

/** The twin alone has run, and the process is gone. */
async function runTwinAlone(trial: Trial): Promise<void> {
  const configuration = await trial.write({ ...trial.configuration(), ...twinAlone(trial) });
  const { code, stdout } = await trial.pgveil(['run', '--until-caught-up', '-c', configuration], 90_000);
  assert.equal(code, 0, stdout);
}

/** Null where the spare twin has no such table. */
async function rowsOfSpare(trial: Trial, table: string): Promise<number | null> {
  const spare = await servers.twin.connect(spareOf(trial.name));
  try {
    const { rows } = await spare.query('SELECT to_regclass($1) IS NOT NULL AS found', [table]);
    return rows[0].found ? (await spare.query(`SELECT FROM ${table}`)).rows.length : null;
  } finally {
    await spare.end();
  }
}

test('a sink that is added while a table waits for approval does not take it in by name', async () => {
  await using trial = await trialOf();
  await runTwinAlone(trial);
  await trial.source.query(SWAP);
  const alone = await trial.run({ configuration: twinAlone(trial) });
  await trial.source.query('UPDATE person SET id = -id');
  await alone.halts('public.person', 'names_moved');
  await alone.stop();
  const service = await trial.run();
  const holdsOther = async () => (await rowsOfSpare(trial, 'public.other')) === 1;
  await until(holdsOther, { what: () => `the other table in the spare twin; ${service.lastWords()}` });
  await service.reaches('both live', ({ sinks }) => Object.values(sinks).every(({ state }) => state === 'live'));
  await service.halts('public.person', 'names_moved');
  assert.equal(await rowsOfSpare(trial, 'public.person'), null);
  await service.stop();
});

test('a sink that is added while the one that knows the names is away waits for it', async () => {
  await using trial = await trialOf();
  await runTwinAlone(trial);
  await trial.source.query(SWAP);
  const shut = (isShut: boolean) => servers.twin.query(`ALTER DATABASE ${trial.name} ALLOW_CONNECTIONS ${!isShut}`);
  await shut(true);
  const service = await trial.run();
  const tries = async () => service.process.output.split('twin_failed').length > 6;
  await until(tries, { what: () => `the twin to be asked again and again; ${service.lastWords()}` });
  assert.equal(await rowsOfSpare(trial, 'public.other'), null);
  await shut(false);
  await service.halts('public.person', 'names_moved');
  const holdsOther = async () => (await rowsOfSpare(trial, 'public.other')) === 1;
  await until(holdsOther, { what: () => `the other table in the spare twin; ${service.lastWords()}` });
  await service.stop();
});

test('a table that only a sink knows that is away is not taken in by name by those that answer', async () => {
  await using trial = await trialOf();
  const both = { ...trial.configuration() } as { tables: Record<string, unknown> };
  const { 'public.person': _, ...withoutPerson } = both.tables;
  const first = await trial.run({ configuration: { tables: withoutPerson } });
  await first.reaches('both live', ({ sinks }) => Object.values(sinks).every(({ state }) => state === 'live'));
  await until(async () => (await rowsOfSpare(trial, 'public.other')) === 1, { what: 'the other table everywhere' });
  await first.stop();
  const shut = (name: string, isShut: boolean) =>
    servers.twin.query(`ALTER DATABASE ${name} ALLOW_CONNECTIONS ${!isShut}`);
  await shut(spareOf(trial.name), true);
  await runTwinAlone(trial);
  await trial.source.query(SWAP);
  await shut(spareOf(trial.name), false);
  await shut(trial.name, true);
  const service = await trial.run();
  await service.halts('public.person', 'names_unknown');
  assert.equal(await rowsOfSpare(trial, 'public.person'), null);
  await shut(trial.name, false);
  await service.reaches('what the twin knows', ({ tables }) => tables['public.person']?.halt?.code === 'names_moved');
  assert.equal(await rowsOfSpare(trial, 'public.person'), null);
  await service.stop();
});

test('after all of this no file and no log of the twins holds a number', async () => {
  await servers.assertNoLeak([ssn]);
});
