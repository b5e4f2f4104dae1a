import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { CARE_FAULTS } from '../../src/core/fault.ts';
import type { Tables } from '../support/judge/decisions.ts';
import { assertBothEqual } from '../support/lake/lake.ts';
import { RandomChanges } from '../support/random/changes.ts';
import { Random } from '../support/random/prng.ts';
import { Servers } from '../support/trial/servers.ts';
import type { Trial } from '../support/trial/trial.ts';
import { PATIENCE_MS } from '../support/wait.ts';

// `pgveil lake` beside a service that writes: whatever is killed, the fold of the lake is the twin.

const servers = await Servers.start();
after(() => servers[Symbol.asyncDispose]());

const SETUP = `
  CREATE TABLE person (id bigint PRIMARY KEY, email text, note text, paid numeric(12,2));
  ALTER TABLE person ALTER note SET STORAGE EXTERNAL;
  INSERT INTO person SELECT i, 'person' || i || '@shop.test', repeat(md5(i::text), 100), i / 7.0 FROM generate_series(1, 500) i;
`;
const tables: Tables = {
  'public.person': { columns: { id: 'keep', email: { fake: 'email' }, note: 'keep', paid: 'keep' } },
};

const COMPACT = ['lake', 'compact'];
const ERASE = ['lake', 'vacuum', '--keep', '0s', '--erase-after', '1d'];

/** Runs it to its end, or to its death at a place. */
async function care(trial: Trial, command: readonly string[], fault = ''): Promise<number | null> {
  const file = await trial.write(trial.configuration());
  const { code, stderr } = await trial.pgveil([...command, '-c', file], PATIENCE_MS, { PGVEIL_FAULT: fault });
  assert.ok(code === 0 || fault !== '', stderr);
  return code;
}

for (const [seed, fault] of CARE_FAULTS.entries()) {
  test(`killed at "${fault}" and run again while a service writes, it loses nothing`, async () => {
    await using trial = await servers.trial(SETUP, tables, { lake: { flush: { every: '100ms' } } });
    const pgveil = await trial.stream();
    const changes = await RandomChanges.open(trial.source, trial.sourceUrl, new Random(seed), Object.keys(tables));
    for (const command of fault === 'file removed' ? [ERASE] : [COMPACT, ERASE]) {
      for (let files = 0; files < 3; files++) {
        await changes.transactions(50);
        await trial.holdsAll(pgveil);
      }
      const [killed] = await Promise.all([care(trial, command, fault), changes.transactions(200)]);
      assert.notEqual(killed, 0);
      await Promise.all([care(trial, command), changes.transactions(200)]);
    }
    await trial.holdsAll(pgveil);
    await pgveil.stop();
    await assertBothEqual(trial);
    await care(trial, [...COMPACT, '--latest']);
    await assertBothEqual(trial);
    await care(trial, ['lake', 'verify']);
  });
}
