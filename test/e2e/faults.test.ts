import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { FAULTS, type Fault } from '../../src/core/fault.ts';
import type { Tables } from '../support/judge/decisions.ts';
import { RandomChanges } from '../support/random/changes.ts';
import { Random } from '../support/random/prng.ts';
import { Servers } from '../support/trial/servers.ts';
import { lsn, type Trial } from '../support/trial/trial.ts';
import { writeUntilDead } from '../support/trial/write-until-dead.ts';

const servers = await Servers.start();
after(() => servers[Symbol.asyncDispose]());

const SETUP = `
  CREATE TABLE person (id bigint PRIMARY KEY, email text, note text);
  CREATE INDEX person_email ON person (email);
  ALTER TABLE person ALTER note SET STORAGE EXTERNAL;
  CREATE TABLE visit (place text, number integer, paid numeric(12,2), PRIMARY KEY (place, number));
  INSERT INTO person SELECT i, 'person' || i || '@shop.test', repeat(md5(i::text), 100) FROM generate_series(1, 3000) i;
  INSERT INTO visit SELECT 'place ' || i % 9, i, i / 7.0 FROM generate_series(1, 3000) i;
`;

const tables: Tables = {
  'public.person': { columns: { id: 'keep', email: { fake: 'email' }, note: 'hash' } },
  'public.visit': { columns: { place: { hash: { class: 'place' } }, number: 'keep', paid: { round: 1 } } },
};

/** 10 MB, and more than a batch, which is 1 MB under this memory. */
const LARGE = `UPDATE person SET note = repeat(md5(random()::text), 100)`;

describe('kill -9 at a fault point', () => {
  for (const [at, fault] of FAULTS.entries()) {
    test(`"${fault}": nothing is lost, nothing is there twice, and the slot is never ahead of the twin`, async () => {
      await using trial = await servers.trial(SETUP, tables, { memory: '16MB' });
      const random = new Random(at);
      const changes = await RandomChanges.open(trial.source, trial.sourceUrl, random, Object.keys(tables));

      const first = await trial.run({ fault: `${fault}:${timesOf(fault)}` });
      await writeUntilDead(changes, first, () => trial.source.query(LARGE));
      await assertSlotBehind(trial, await storedPosition(trial));

      const pgveil = await trial.run();
      for (let transaction = 0; transaction < 20; transaction++) {
        await changes.transaction(random.size(1, 100));
        await assertSlotBehind(trial, async () => (await pgveil.status()).position);
      }
      await pgveil.isReady();
      await trial.holdsAll(pgveil);
      await pgveil.stop();
      await trial.assertEqual();
    });
  }
});

/** Of what happens again and again, not the first time only: there must be something to lose. */
function timesOf(fault: Fault): number {
  return /commit$|ack$/.test(fault) ? 3 : 1;
}

/** The twin's position as `pgveil status` finds it without a running process. */
async function storedPosition(trial: Trial): Promise<() => Promise<string | null>> {
  const status = await trial.command(['status', '--json']);
  assert.equal(status.code, 0);
  const report = JSON.parse(status.stdout);
  assert.equal(report.running, false);
  return async () => report.position;
}

/** The slot is asked first: the twin may only have moved on since. */
async function assertSlotBehind(trial: Trial, position: () => Promise<string | null>): Promise<void> {
  const confirmed = await trial.confirmed();
  const held = await position();
  if (confirmed === null || held === null) return;
  assert.ok(confirmed <= lsn(held), 'the slot was confirmed beyond what the twin holds');
}
