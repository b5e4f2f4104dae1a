import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { DETACH_FAULTS } from '../../src/core/fault.ts';
import { changesOf } from '../support/lake/shop.ts';
import { Servers } from '../support/trial/servers.ts';
import type { Service, Status } from '../support/trial/service.ts';
import {
  assertAllEqual,
  endsTogether,
  generationOf,
  isLive,
  isParked,
  keepsOneSlot,
  spareTrial,
} from '../support/trial/spare.ts';
import type { Trial } from '../support/trial/trial.ts';
import { until } from '../support/wait.ts';

// One sink of three holds back more WAL than the source may keep. pgveil looks every ten seconds, and acts at the second look.

const LIMIT_MB = 40;

const servers = await Servers.start();
after(() => servers[Symbol.asyncDispose]());

const trialOf = (patience: string, more: Record<string, unknown> = {}) =>
  spareTrial(servers, { patience, on_wal_limit: 'detach', ...more });

const run = async (trial: Trial, fault = '') => {
  const { source } = trial.configuration() as { source: object };
  return await trial.run({ fault, configuration: { source: { ...source, wal_limit: `${LIMIT_MB}MB` } } });
};

/** More WAL than a slot may keep, which none of the tables is in. */
async function writeTooMuch({ source }: Trial): Promise<void> {
  const sql = `SELECT pg_logical_emit_message(false, 'test', repeat('x', ${1024 ** 2}))`;
  for (let written = 0; written < 1.5 * LIMIT_MB; written++) await source.query(sql);
}

const isDetached = ({ sinks }: Status) => sinks.spare?.state === 'parked' && sinks.spare.slot === undefined;

/** Nothing on the source keeps what was written, and the others were not copied anew for it. */
async function releasesAll(trial: Trial, pgveil: Service): Promise<void> {
  await pgveil.process.waitForOutput(/"code":"sink_detached"/); // while it is only away it has no slot of its own either
  await pgveil.reaches('the sink let go of', isDetached);
  await until(async () => (await trial.slots()).join() === trial.slot, { what: 'one slot' });
  const isReleased = ({ slot }: Status) => slot.retained_bytes !== null && slot.retained_bytes < LIMIT_MB * 1024 ** 2;
  await pgveil.reaches('the WAL released', isReleased);
}

/** Resolves when it holds everything again, having copied it for itself alone. */
async function returns(trial: Trial, pgveil: Service, relation: string): Promise<void> {
  await pgveil.reaches('spare live', isLive);
  await endsTogether(trial, pgveil);
  assert.equal(await generationOf(trial, 'public.person'), relation, 'the twin was copied anew');
}

for (const [patience, holder] of [
  ['0s', 'a slot of its own'],
  ['10 minutes', 'the slot of all'],
] as const) {
  test(`a sink that is away and for which ${holder} keeps too much is let go of, and copies everything when it is back`, async () => {
    await using trial = await trialOf(patience);
    const changes = await changesOf(trial, 1);
    const pgveil = await run(trial);
    await pgveil.isReady();
    const relation = await generationOf(trial, 'public.person');
    await trial.shutSpare(true);
    await changes.transactions(20);
    await pgveil.reaches('spare away', patience === '0s' ? isParked : ({ sinks }) => sinks.spare?.state === 'parked');
    await writeTooMuch(trial);
    await releasesAll(trial, pgveil);
    await changes.transactions(20);
    await trial.shutSpare(false);
    await changes.transactions(20);
    await returns(trial, pgveil, relation);
  });
}

test('a sink that is there and does not get on is let go of, too', async () => {
  await using trial = await trialOf('10 minutes');
  const changes = await changesOf(trial, 2);
  const pgveil = await run(trial);
  await pgveil.isReady();
  const relation = await generationOf(trial, 'public.person');
  await using blocker = await servers.twin.connect(new URL(trial.spareUrl).pathname.slice(1));
  await blocker.query('BEGIN; LOCK TABLE pgveil.checkpoint');
  await changes.transactions(5);
  await writeTooMuch(trial);
  await releasesAll(trial, pgveil);
  await blocker.query('ROLLBACK');
  await changes.transactions(20);
  await returns(trial, pgveil, relation);
});

test('where the one that holds it back may hold it, nobody is let go of, and that is said until it is over', async () => {
  await using trial = await trialOf('10 minutes', { on_wal_limit: 'hold' });
  const { sinks } = trial.configuration() as { sinks: Record<string, object> };
  const lake = { ...sinks.lake, on_wal_limit: 'detach' };
  const { source } = trial.configuration() as { source: object };
  const configuration = {
    source: { ...source, wal_limit: `${LIMIT_MB}MB` },
    sinks: { ...sinks, lake },
  };
  const changes = await changesOf(trial, 3);
  const pgveil = await trial.run({ configuration });
  await pgveil.isReady();
  await trial.shutSpare(true);
  await changes.transactions(20);
  await pgveil.reaches('spare away', ({ sinks }) => sinks.spare?.state === 'parked');
  await writeTooMuch(trial);
  const isTold = ({ slot }: Status) => slot.alarms.some(({ code }) => code === 'wal_limit');
  const { sinks: seen } = await pgveil.reaches('the alarm', isTold);
  assert.equal(seen.lake!.state, 'live');
  await trial.shutSpare(false);
  await pgveil.reaches('the end of the alarm', (status) => !isTold(status));
  await pgveil.isReady();
  await trial.holdsAll(pgveil);
  await pgveil.stop();
  await assertAllEqual(trial);
  assert.doesNotMatch(pgveil.process.output, /sink_detached/);
});

describe('kill -9 while a sink is let go of', () => {
  for (const patience of ['0s', '10 minutes']) {
    for (const [at, fault] of DETACH_FAULTS.entries()) {
      test(`at "${fault}", patience ${patience}: nothing is lost, nothing is there twice`, async () => {
        await using trial = await trialOf(patience);
        const changes = await changesOf(trial, 10 + at);
        const pgveil = await run(trial, `${fault}:1`);
        await pgveil.isReady();
        await trial.shutSpare(true);
        await changes.transactions(20);
        await writeTooMuch(trial);
        await pgveil.dies();
        await changes.transactions(20);
        await trial.shutSpare(false);
        const next = await run(trial);
        await changes.transactions(20);
        await next.isReady();
        await trial.holdsAll(next);
        await keepsOneSlot(trial);
        await next.stop();
        await assertAllEqual(trial);
      });
    }
  }
});
