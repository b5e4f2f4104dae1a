import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { canary } from '../support/judge/canary.ts';
import type { Tables } from '../support/judge/decisions.ts';
import { Servers } from '../support/trial/servers.ts';
import { isLive, isParked } from '../support/trial/spare.ts';
import type { Trial } from '../support/trial/trial.ts';
import { until } from '../support/wait.ts';

// A table is made while one of two sinks reads by itself: its names mean the same to both.

const servers = await Servers.start({ twinSettings: { max_prepared_transactions: '2' } });
after(() => servers[Symbol.asyncDispose]());

/** After the swap it stands under a name that is kept. */
const ssn = canary('a social security number');

const OTHER = `CREATE TABLE other (id integer PRIMARY KEY, v text); INSERT INTO other VALUES (1, 'a')`;

const PERSON = `CREATE TABLE person (id integer PRIMARY KEY, ssn text, note text);
  INSERT INTO person SELECT i, '${ssn.value} ' || i, 'a note' FROM generate_series(1, 500) i;`;

const SWAP = `ALTER TABLE person RENAME ssn TO between; ALTER TABLE person RENAME note TO ssn;
  ALTER TABLE person RENAME between TO note; UPDATE person SET id = -id;`;

const tables: Tables = {
  'public.other': { columns: { id: 'keep', v: 'keep' } },
  'public.person': { columns: { id: 'keep', ssn: 'hash', note: 'keep' } },
};

/** More than the queue of a sink takes. */
const MUCH = `INSERT INTO other SELECT i, repeat('a', 1000) FROM generate_series(2, 30000) i`;

const trialOf = () => servers.trial(OTHER, tables, { memory: '32MB', spare: { patience: '0s' } });

/** Nothing can be written to the spare twin’s table until the returned function is called, whoever is thrown out of its database. */
async function holdSpare(trial: Trial): Promise<() => Promise<void>> {
  const database = new URL(trial.spareUrl).pathname.slice(1);
  await using spare = await servers.twin.connect(database);
  await spare.query(`BEGIN; LOCK TABLE other; PREPARE TRANSACTION '${trial.name}'`);
  return async () => {
    await using again = await servers.twin.connect(database);
    await again.query(`ROLLBACK PREPARED '${trial.name}'`);
  };
}

async function firstNoteInSpare(trial: Trial): Promise<string | null> {
  await using spare = await servers.twin.connect(new URL(trial.spareUrl).pathname.slice(1));
  const { rows } = await spare.query(`SELECT to_regclass('person') IS NOT NULL AS found`);
  return rows[0].found ? (await spare.query('SELECT min(note) AS note FROM person')).rows[0].note : null;
}

test('a table that the others took in, and whose names moved since, is not taken in by a sink that comes to it later', async () => {
  await using trial = await trialOf();
  await trial.source.query(PERSON);
  const service = await trial.stream();
  const letGo = await holdSpare(trial);
  await trial.shutSpare(true);
  await trial.source.query(MUCH);
  await service.reaches('spare parked', isParked);
  await trial.shutSpare(false);
  const isBlocked = async () => service.process.output.includes('twin_blocked');
  await until(isBlocked, { what: () => `the spare twin to be blocked; ${service.lastWords()}` });
  await trial.source.query(`DROP TABLE person; ${PERSON}`);
  await service.copiesAnew('public.person', 1);
  await trial.source.query(SWAP);
  await service.halts('public.person', 'names_moved');
  await letGo();
  await service.reaches('spare live', isLive);
  await service.halts('public.person', 'names_moved');
  assert.equal(await firstNoteInSpare(trial), 'a note');
  await service.stop();
});

test('a table that waited for a sink to say what it knows is taken in by the others when it does', async () => {
  await using trial = await trialOf();
  const { 'public.other': other } = (trial.configuration() as { tables: Record<string, unknown> }).tables;
  const first = await trial.run({ configuration: { tables: { 'public.other': other } } });
  await first.reaches('both live', ({ sinks }) => Object.values(sinks).every(({ state }) => state === 'live'));
  await trial.holdsAll(first);
  await first.stop();
  await trial.shutSpare(true);
  await trial.source.query(PERSON);
  const service = await trial.run();
  await service.halts('public.person', 'names_unknown');
  await service.reaches('spare parked', isParked);
  await trial.shutSpare(false);
  await service.reaches('spare live', isLive);
  await service.isReady();
  await trial.holdsAll(service);
  assert.doesNotMatch(service.process.output, /sink twin: parked/);
  await service.stop();
  await trial.assertEqual();
  await trial.assertEqual(tables, trial.spareUrl);
});

test('after all of this no file and no log of the twins holds a number', async () => {
  await servers.assertNoLeak([ssn]);
});
