import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { changesOf, SETUP, tables } from '../support/lake/shop.ts';
import { Servers } from '../support/trial/servers.ts';
import type { Status } from '../support/trial/service.ts';
import { generationOf, isParked, keepsOneSlot, othersHoldAll } from '../support/trial/spare.ts';
import { lsn, type Trial } from '../support/trial/trial.ts';
import { spareOf } from '../support/trial/trial-configuration.ts';
import { until } from '../support/wait.ts';

// A sink is parked, and then something else happens to it or to the others.

const servers = await Servers.start();
after(() => servers[Symbol.asyncDispose]());

/** A twin and a spare one. */
const twoTwins = async () =>
  await servers.trial(SETUP, tables, { memory: '32MB', spare: { patience: '0s' }, workers: 1 });

/** The spare one is parked behind the slot, and the process is gone. */
async function parkAndStop(trial: Trial, seed: number): Promise<void> {
  const changes = await changesOf(trial, seed);
  const pgveil = await trial.stream();
  await trial.shutSpare(true);
  await changes.transactions(20);
  await pgveil.reaches('spare parked', isParked);
  await changes.transactions(20);
  await othersHoldAll(trial, pgveil);
  await pgveil.stop();
  await trial.shutSpare(false);
  await changes.transactions(20);
}

const shutTwin = (trial: Trial, isShut: boolean) =>
  servers.twin.query(`ALTER DATABASE ${trial.name} ALLOW_CONNECTIONS ${!isShut}`);

test('a start that only a parked sink answers takes nothing from those that are away: nobody copies anew', async () => {
  await using trial = await twoTwins();
  await parkAndStop(trial, 1);
  const spare = await servers.twin.connect(spareOf(trial.name));
  const before = [await generationOf(trial, 'public.person'), await generationOf(trial, 'public.person', spare)];
  await shutTwin(trial, true);
  const end = await trial.sourceEnd();
  const pgveil = await trial.run();
  const answers = async () => (await pgveil.page('/live'))?.code === 200;
  await until(answers, { what: 'pgveil to have started' });
  const holds = ({ sinks }: Status) => lsn(sinks.spare?.position ?? '0/0') >= end;
  await pgveil.reaches('all that was committed in the spare one', holds);
  await shutTwin(trial, false);
  await pgveil.isReady();
  await trial.holdsAll(pgveil);
  await keepsOneSlot(trial);
  await pgveil.stop();
  const after = [await generationOf(trial, 'public.person'), await generationOf(trial, 'public.person', spare)];
  await spare.end();
  assert.deepEqual(after, before);
  assert.doesNotMatch(pgveil.process.output, /everything is copied/);
  await trial.assertEqual();
  await trial.assertEqual(tables, trial.spareUrl);
});

test('a parked sink that is the only one configured from then on leaves no slot behind', async () => {
  await using trial = await twoTwins();
  await parkAndStop(trial, 2);
  const { sinks, ...others } = trial.configuration() as { sinks: Record<string, unknown> };
  const file = await trial.write({ ...others, sinks: { spare: sinks.spare } });
  const ran = await trial.pgveil(['run', '--until-caught-up', '-c', file]);
  assert.equal(ran.code, 0, ran.stderr);
  assert.deepEqual(await trial.slots(), [trial.slot]);
  await trial.assertEqual(tables, trial.spareUrl);
});
