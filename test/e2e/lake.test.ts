import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import { after, describe, test } from 'node:test';
import type { Tables } from '../support/judge/decisions.ts';
import { assertBothEqual, lakeDifferences, lakeOf } from '../support/lake/lake.ts';
import { changesOf, SETUP, tables } from '../support/lake/shop.ts';
import { Servers } from '../support/trial/servers.ts';
import type { Service } from '../support/trial/service.ts';
import { lsn, type Trial } from '../support/trial/trial.ts';

// A twin and a lake in a folder, fed by one pipeline: the fold of the lake by (_commit_lsn, _seq) is the twin, row by row.

const servers = await Servers.start();
after(() => servers[Symbol.asyncDispose]());

/** Nothing becomes a file by its age. */
const PATIENT = { flush: { every: '1h' } };

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
      const ran = await trial.pgveil(['run', '--until-caught-up', '-c', await trial.write(configuration)]);
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

/** Resolves, with the source's end, once all that was committed is in the twin: a lake that gathers has it as well, but not durably. */
async function isRead(trial: Trial, pgveil: Service): Promise<bigint> {
  const end = await trial.sourceEnd();
  await pgveil.reaches('the twin at the end', ({ sinks }) => positionOf(sinks.twin) >= end);
  return end;
}

function positionOf(sink: { readonly position: string | null } | undefined): bigint {
  return sink?.position ? lsn(sink.position) : 0n;
}
