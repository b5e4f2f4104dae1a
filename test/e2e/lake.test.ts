import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { FolderStorage } from '../../sinks/lake/folder.ts';
import { LAKE_FAULTS } from '../../src/core/fault.ts';
import type { Tables } from '../support/decisions.ts';
import { lakeDifferences } from '../support/lake.ts';
import { Random } from '../support/prng.ts';
import { RandomChanges } from '../support/random-changes.ts';
import { Servers } from '../support/servers.ts';
import type { Trial } from '../support/trial.ts';

// A twin and a lake in a folder, fed by one pipeline.

const servers = await Servers.start();
after(() => servers[Symbol.asyncDispose]());

const SETUP = `
  CREATE TABLE person (id bigint PRIMARY KEY, email text, note text, seen timestamptz, paid numeric(12,2), photo bytea);
  ALTER TABLE person ALTER note SET STORAGE EXTERNAL;
  CREATE TABLE visit (place text, number integer, weight double precision, at date, PRIMARY KEY (place, number));
  INSERT INTO person SELECT i, 'person' || i || '@shop.test', repeat(md5(i::text), 100), now(), i / 7.0, decode(md5(i::text), 'hex') FROM generate_series(1, 2000) i;
  INSERT INTO visit SELECT 'place ' || i % 9, i, i / 7.0, current_date - i FROM generate_series(1, 2000) i;
`;

const tables: Tables = {
  'public.person': {
    columns: { id: 'keep', email: { fake: 'email' }, note: 'keep', seen: 'keep', paid: 'keep', photo: 'keep' },
  },
  'public.visit': { columns: { place: { hash: { class: 'place' } }, number: 'keep', weight: 'keep', at: 'keep' } },
};

async function assertBothEqual(trial: Trial): Promise<void> {
  await trial.assertEqual();
  const storage = new FolderStorage(join(trial.file('lake'), trial.name));
  assert.deepEqual(await lakeDifferences(storage, trial.twin, Object.keys(trial.tables)), []);
}

describe('a twin and a lake', () => {
  test('are fed until caught up, again and again', async () => {
    await using trial = await servers.trial(SETUP, tables, { lake: { flush: { every: '1h' } } });
    const changes = await RandomChanges.open(trial.source, trial.sourceUrl, new Random(1), Object.keys(tables));
    await trial.catchUp();
    await assertBothEqual(trial);
    await changes.transactions(500);
    await trial.catchUp();
    await assertBothEqual(trial);
  });
});

describe('kill -9 at a fault point of the lake', () => {
  for (const [at, fault] of LAKE_FAULTS.entries()) {
    test(`"${fault}": nothing is lost, nothing is there twice`, async () => {
      await using trial = await servers.trial(SETUP, tables, { memory: '16MB', lake: {} });
      const changes = await RandomChanges.open(trial.source, trial.sourceUrl, new Random(at), Object.keys(tables));
      await changes.transactions(100);
    });
  }
});
