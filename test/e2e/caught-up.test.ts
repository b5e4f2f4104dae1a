import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { plainTables } from '../support/trial/plain.ts';
import { Servers } from '../support/trial/servers.ts';
import type { Trial } from '../support/trial/trial.ts';

// What `run --until-caught-up` does not wait for: what is tried again and again until somebody mends it.

const SLOTS = 4;
const servers = await Servers.start({ sourceSettings: { max_replication_slots: String(SLOTS) } });
after(() => servers[Symbol.asyncDispose]());

const { tables: TABLES, setup: SETUP } = plainTables(['one', 'two']);

/** What it says of that on its way to that exit code. */
async function says(trial: Trial, code: number): Promise<string> {
  const ran = await trial.command(['run', '--until-caught-up']);
  assert.equal(ran.code, code, ran.stdout + ran.stderr);
  return ran.stdout + ran.stderr;
}

test('a table that may not be read: the other is copied, and it ends with 3; with 0 when the table may be read', async () => {
  const setup = `${SETUP}; DROP ROLE IF EXISTS reader; CREATE ROLE reader LOGIN REPLICATION; GRANT SELECT ON two TO reader;
    CREATE PUBLICATION theirs FOR TABLE one, two WITH (publish_via_partition_root = true)`;
  await using trial = await servers.trial(setup, TABLES, { sourceRole: 'reader', publication: 'theirs' });
  assert.match(await says(trial, 3), /"code":"table_unreadable"/);
  await trial.assertEqual({ 'public.two': TABLES['public.two']! });

  await trial.source.query(`UPDATE two SET v = 'since'`);
  await trial.catchUp(3);
  await trial.assertEqual({ 'public.two': TABLES['public.two']! });

  await trial.source.query('GRANT SELECT ON one TO reader');
  await trial.catchUp();
  await trial.assertEqual();
  await trial.source.query('DROP OWNED BY reader');
});

test('a copy without a free slot: the other table is caught up with, and it ends with 3; with 0 when there is one', async () => {
  await using trial = await servers.trial(SETUP, TABLES);
  await trial.catchUp();
  const taken = `FROM generate_series(1, ${SLOTS - 1}) i`;
  await trial.source.query(`SELECT pg_create_physical_replication_slot('taken' || i) ${taken}`);
  await trial.source.query(`ALTER TABLE one ALTER v TYPE varchar(500); UPDATE two SET v = 'since'`);
  try {
    assert.match(await says(trial, 3), /"code":"no_free_slot"/);
    await trial.assertEqual({ 'public.two': TABLES['public.two']! });
  } finally {
    await trial.source.query(`SELECT pg_drop_replication_slot('taken' || i) ${taken}`);
  }
  await trial.catchUp();
  await trial.assertEqual();
});
