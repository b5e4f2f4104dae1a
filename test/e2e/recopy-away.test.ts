import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { changesOf } from '../support/lake/shop.ts';
import { Servers } from '../support/trial/servers.ts';
import { endsTogether, generationOf, isLive, spareTrial } from '../support/trial/spare.ts';
import type { Trial } from '../support/trial/trial.ts';

// What is copied anew while one sink of three is away.

const servers = await Servers.start();
after(() => servers[Symbol.asyncDispose]());

const trialOf = (patience: string) => spareTrial(servers, { patience });

async function inSpare(trial: Trial, table: string): Promise<string> {
  await using spare = await servers.twin.connect(new URL(trial.spareUrl).pathname.slice(1));
  return await generationOf(trial, table, spare);
}

for (const patience of ['0s', '10 minutes']) {
  test(`pgveil recopy is done by the sinks that are there, and by the other one when it is back (patience ${patience})`, async () => {
    await using trial = await trialOf(patience);
    const changes = await changesOf(trial, 1);
    const first = await trial.stream();
    const [before, other] = [await inSpare(trial, 'public.person'), await inSpare(trial, 'public.visit')];
    await trial.shutSpare(true);
    await changes.transactions(20);
    await first.reaches('spare away', ({ sinks }) => sinks.spare?.state === 'parked');
    const ordered = await trial.command(['recopy', 'public.person']);
    assert.equal(ordered.code, 0, ordered.stderr);
    await first.copiesAnew('public.person', 1);
    const twice = await generationOf(trial, 'public.person');
    // Who ordered it was answered: it is not forgotten with the process.
    await first.kill();

    await trial.shutSpare(false);
    const second = await trial.run();
    await changes.transactions(20);
    await second.reaches('spare live', isLive);
    await endsTogether(trial, second);
    assert.notEqual(await inSpare(trial, 'public.person'), before, 'the spare twin was not copied anew');
    assert.equal(await inSpare(trial, 'public.visit'), other, 'another table was');
    assert.equal(await generationOf(trial, 'public.person'), twice, 'the twin was copied once more');
  });
}

test('a table that changed while a sink was away within its patience is copied for that sink alone when it is back', async () => {
  await using trial = await trialOf('10 minutes');
  const changes = await changesOf(trial, 2);
  const pgveil = await trial.stream();
  await trial.shutSpare(true);
  await changes.transactions(20);
  await pgveil.reaches('spare away', ({ sinks }) => sinks.spare?.state === 'parked');
  await trial.source.query(`ALTER TABLE visit ADD COLUMN mood text DEFAULT 'good'`);
  await changes.transactions(20);
  await pgveil.copiesAnew('public.visit', 1);
  const relation = await generationOf(trial, 'public.visit');
  await trial.shutSpare(false);
  await pgveil.reaches('spare live', isLive);
  await changes.transactions(20);
  await endsTogether(trial, pgveil);
  assert.equal(await generationOf(trial, 'public.visit'), relation, 'the twin was copied once more');
});
