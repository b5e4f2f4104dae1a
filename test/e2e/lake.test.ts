import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import { after, describe, test } from 'node:test';
import { type Fault, LAKE_FAULTS } from '../../src/core/fault.ts';
import type { Tables } from '../support/decisions.ts';
import { assertBothEqual, lakeDifferences, lakeOf } from '../support/lake.ts';
import { freePort } from '../support/postgres-ready.ts';
import { Random } from '../support/prng.ts';
import { RandomChanges } from '../support/random-changes.ts';
import { Servers } from '../support/servers.ts';
import type { Service } from '../support/service.ts';
import { lsn, type Trial } from '../support/trial.ts';

// A twin and a lake in a folder, fed by one pipeline: the fold of the lake by (_commit_lsn, _seq) is the twin, row by row.

const servers = await Servers.start();
after(() => servers[Symbol.asyncDispose]());

const SETUP = `
  CREATE TABLE person (id bigint PRIMARY KEY, email text, note text, seen timestamptz, paid numeric(12,2), photo bytea);
  ALTER TABLE person ALTER note SET STORAGE EXTERNAL;
  CREATE TABLE visit (place text, number integer, weight double precision, at date, PRIMARY KEY (place, number));
  INSERT INTO person SELECT i, 'person' || i || '@shop.test', repeat(md5(i::text), 100), now(), i / 7.0, decode(md5(i::text), 'hex')
    FROM generate_series(1, 1000) i;
  INSERT INTO visit SELECT 'place ' || i % 9, i, i / 7.0, current_date - i FROM generate_series(1, 1000) i;
`;

const tables: Tables = {
  'public.person': {
    columns: { id: 'keep', email: { fake: 'email' }, note: 'keep', seen: 'keep', paid: 'keep', photo: 'keep' },
  },
  'public.visit': { columns: { place: { hash: { class: 'place' } }, number: 'keep', weight: 'keep', at: 'keep' } },
};

/** Nothing becomes a file by its age. */
const PATIENT = { flush: { every: '1h' } };

async function changesOf(trial: Trial, seed: number): Promise<RandomChanges> {
  return await RandomChanges.open(trial.source, trial.sourceUrl, new Random(seed), Object.keys(tables));
}

describe('a twin and a lake', () => {
  test('are fed until caught up, again and again, however long the lake may gather', async () => {
    await using trial = await servers.trial(SETUP, tables, { lake: PATIENT });
    const changes = await changesOf(trial, 1);
    await trial.catchUp();
    await assertBothEqual(trial);
    await changes.transactions(500);
    await trial.catchUp();
    await assertBothEqual(trial);
  });

  test('a lake that gathers is ready at once, and has everything when it is asked to end', async () => {
    await using trial = await servers.trial(SETUP, tables, { lake: PATIENT });
    const pgveil = await trial.stream();
    const changes = await changesOf(trial, 2);
    await changes.transactions(300);
    const end = await isRead(trial, pgveil);
    assert.ok(positionOf((await pgveil.status()).sinks.lake) < end, 'the lake gathers');
    await pgveil.stop();
    await assertBothEqual(trial);
    const { stdout } = await trial.command(['status', '--json']);
    assert.ok(positionOf(JSON.parse(stdout).sinks.lake) >= end);
  });

  test('a truncate, new keys, and a row that comes again under its key', async () => {
    await using trial = await servers.trial(SETUP, tables, { lake: {} });
    const pgveil = await trial.stream();
    await trial.source.query('TRUNCATE visit');
    await trial.source.query(
      `INSERT INTO visit VALUES ('place 1', 1, 'NaN', 'infinity'), ('place 2', 2, '-Infinity', NULL)`,
    );
    await trial.source.query(
      'BEGIN; UPDATE person SET id = -id WHERE id <= 10; UPDATE person SET paid = 1 WHERE id = -3; COMMIT',
    );
    await trial.source.query('BEGIN; DELETE FROM person WHERE id = 20; INSERT INTO person (id) VALUES (20); COMMIT');
    await trial.holdsAll(pgveil);
    await assertBothEqual(trial);
  });

  test('a changed definition is copied anew into both, and so is what a person asks for', async () => {
    await using trial = await servers.trial(SETUP, tables, { lake: PATIENT });
    const changes = await changesOf(trial, 3);
    const pgveil = await trial.stream();
    await changes.transactions(100);
    await trial.source.query('ALTER TABLE visit ALTER number TYPE bigint');
    await pgveil.copiesAnew('public.visit', 1);
    const { code, stderr } = await trial.command(['recopy', 'public.person']);
    assert.equal(code, 0, stderr);
    await pgveil.copiesAnew('public.person', 1);
    await changes.transactions(100);
    await isRead(trial, pgveil);
    await pgveil.stop();
    await assertBothEqual(trial);
  });

  test('a lake that is added later is filled, and one that is taken out again does not hold the slot', async () => {
    await using trial = await servers.trial(SETUP, tables, { lake: {} });
    const both = trial.configuration() as { sinks: Record<string, unknown> };
    const alone = { ...both, sinks: { twin: both.sinks.twin } };
    const catchUp = async (configuration: unknown) => {
      const ran = await trial.pgveil(['run', '--until-caught-up', '-c', await trial.write(configuration)], 90_000);
      assert.equal(ran.code, 0, ran.stderr);
    };
    await catchUp(alone);
    await trial.source.query('UPDATE person SET paid = paid + 1');
    await catchUp(both);
    await assertBothEqual(trial);
    await trial.source.query('UPDATE person SET paid = paid + 1');
    await catchUp(alone);
    await trial.assertEqual();
  });
});

describe('a lake alone', () => {
  const KEPT: Tables = { 'public.person': { columns: { id: 'keep', email: 'keep', note: 'keep', paid: 'keep' } } };

  test('needs no twin', async () => {
    await using trial = await servers.trial(SETUP, KEPT, { lake: {}, hasTwin: false });
    assert.deepEqual((await trial.command(['check', '--json'])).code, 0);
    const pgveil = await trial.stream();
    await trial.source.query('UPDATE person SET paid = paid + 1 WHERE id % 2 = 0');
    await trial.holdsAll(pgveil);
    await pgveil.stop();
    assert.deepEqual(await lakeDifferences(lakeOf(trial), trial.source, ['public.person'], 'id'), []);
    await trial.assertNothingMadeInTwin();
    const dropped = await trial.command(['drop', '--data', '--yes', '--json']);
    assert.ok(JSON.parse(dropped.stdout).removed.includes('checkpoint and 1 table in sink lake'), dropped.stdout);
    assert.deepEqual(await readdir(trial.file('lake')), []);
  });

  test('a column with a name of the lake’s own is found before anything is made', async () => {
    const setup = 'CREATE TABLE taken (id integer PRIMARY KEY, _op text)';
    const decisions: Tables = { 'public.taken': { columns: { id: 'keep', _op: 'keep' } } };
    await using trial = await servers.trial(setup, decisions, { lake: {} });
    const { stdout } = await trial.command(['check', '--json']);
    const found = JSON.parse(stdout).findings.map(({ code, object }: Record<string, string>) => `${code} ${object}`);
    assert.deepEqual(found, ['reserved_column public.taken']);
    await trial.assertNothingMade();
  });
});

describe('kill -9 while both are fed', () => {
  const OTHERS: readonly Fault[] = ['chunk committed', 'table attached', 'after the commit', 'before the ack'];
  for (const [at, fault] of [...LAKE_FAULTS, ...OTHERS].entries()) {
    test(`at "${fault}": nothing is lost, nothing is there twice`, async () => {
      await using trial = await servers.trial(SETUP, tables, { memory: '16MB', lake: {} });
      const changes = await changesOf(trial, at);
      // In the copy first, and then where it happens again and again, so that there is something to lose.
      await writeUntilDead(changes, await trial.run({ fault: `${fault}:1` }));
      if (isRepeated(fault)) await writeUntilDead(changes, await trial.run({ fault: `${fault}:4` }));
      const pgveil = await trial.run();
      await changes.transactions(300);
      await pgveil.isReady();
      await trial.holdsAll(pgveil);
      await pgveil.stop();
      await assertBothEqual(trial);
    });
  }
});

describe('a zombie', () => {
  for (const fault of ['before a file', 'before the log', 'before the swap'] as const) {
    test(`that was held at "${fault}" writes nothing when it wakes up after another one took over`, async () => {
      await using trial = await servers.trial(SETUP, tables, { lake: {} });
      const changes = await changesOf(trial, 7);
      const zombie = await trial.run({ fault: `${fault}:6:SIGSTOP` });
      while (!(await zombie.isHeld())) await changes.transaction(20);
      await trial.source.query(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE datname = current_database() AND application_name LIKE 'pgveil%'`);
      const heir = await trial.run({ port: await freePort() });
      await heir.isReady();
      await changes.transactions(200);
      await trial.holdsAll(heir);
      await assertBothEqual(trial);

      zombie.process.kill('SIGCONT');
      await zombie.process.waitForOutput(/fenced|another instance|source_away|slot_in_use|twin_away/);
      await changes.transactions(200);
      await trial.holdsAll(heir);
      await heir.stop();
      await assertBothEqual(trial);
    });
  }
});

/** Resolves, with the source's end, once all that was committed is in the twin: a lake that gathers has it as well, but not durably. */
async function isRead(trial: Trial, pgveil: Service): Promise<bigint> {
  const end = await trial.sourceEnd();
  await pgveil.reaches('the twin at the end', ({ sinks }) => positionOf(sinks.twin) >= end);
  return end;
}

function isRepeated(fault: Fault): boolean {
  return (LAKE_FAULTS as readonly Fault[]).includes(fault) || /commit$|ack$/.test(fault);
}

async function writeUntilDead(changes: RandomChanges, pgveil: Service): Promise<void> {
  const dead = pgveil.dies();
  while (pgveil.isRunning) {
    await changes.transaction(20);
    await pgveil.page('/live').catch(() => null); // whoever writes without a pause takes the processor from it
  }
  await dead;
}

function positionOf(sink: { readonly position: string | null } | undefined): bigint {
  return sink?.position ? lsn(sink.position) : 0n;
}
