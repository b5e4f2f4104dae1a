import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import type { Tables } from '../support/judge/decisions.ts';
import { changesOf, SETUP, tables } from '../support/lake/shop.ts';
import { Servers } from '../support/trial/servers.ts';
import { typesChanges, typesSetup, typesTables } from '../support/trial/types-trial.ts';
import { figuresOf, type Result, verify } from '../support/trial/verify.ts';

// `pgveil verify` of a lake: the fold of its rows is what the sink would make of redact(source), typed values and all.

const servers = await Servers.start();
after(() => servers[Symbol.asyncDispose]());

describe('verify of a lake beside a twin', () => {
  test('finds nothing after changes of every kind, and under them', async () => {
    await using trial = await servers.trial(SETUP, tables, { lake: {} });
    await trial.source.query(`INSERT INTO person (id, seen, paid) VALUES (0, 'infinity', 'NaN');
      INSERT INTO visit VALUES ('', 0, 'NaN', '-infinity')`);
    const pgveil = await trial.stream();
    const changes = await changesOf(trial, 1);
    await changes.transactions(300);
    const writing = changes.transactions(300);
    const during = await verify(trial);
    await writing;
    assert.equal(during.code, 0, JSON.stringify(during.tables));
    await trial.holdsAll(pgveil);
    await pgveil.stop();
    const { code, tables: found } = await verify(trial, '--sink', 'lake');
    assert.equal(code, 0, JSON.stringify(found));
    const { rows } = await trial.source.query(
      'SELECT (SELECT count(*) FROM person)::int AS p, count(*)::int AS v FROM visit',
    );
    assert.deepEqual(figuresOf(found['public.person']!), [rows[0].p, 0, 0, 0]);
    assert.deepEqual(figuresOf(found['public.visit']!), [rows[0].v, 0, 0, 0]);
  });

  test('finds what the source has and the lake lacks, in the lake alone', async () => {
    const all: Tables = { 'public.visit': tables['public.visit']! };
    await using trial = await servers.trial(SETUP, all, { lake: {} });
    await trial.catchUp();
    // Nobody reads from the slot: what follows is in no sink, and the twin is told by hand.
    await trial.source.query('DELETE FROM visit WHERE number = 1; UPDATE visit SET weight = 1.5 WHERE number = 2');
    await trial.twin.query('DELETE FROM visit WHERE number = 1; UPDATE visit SET weight = 1.5 WHERE number = 2');
    const { code, tables: found } = await verify(trial);
    assert.equal(code, 3);
    const { sinks, examples } = found['public.visit']!;
    assert.deepEqual(figuresOf(sinks.twin as unknown as Result), [999, 0, 0, 0]);
    assert.deepEqual(figuresOf(sinks.lake as unknown as Result), [1000, 0, 1, 1]);
    assert.deepEqual(figuresOf(found['public.visit']!), [1999, 0, 1, 1]);
    assert.equal(examples.length, 2);
  });

  test('finds nothing among columns of sixty types', async () => {
    const wide: Tables = { 'public.wide': typesTables()['public.wide']! };
    await using trial = await servers.trial(typesSetup(), wide, { lake: {} });
    await trial.catchUp();
    for (const change of typesChanges()) await trial.source.query(change);
    await trial.catchUp();
    const { code, tables: found } = await verify(trial);
    const { compared, missing, extra, different } = found['public.wide']!;
    assert.deepEqual([code, missing, extra, different], [0, 0, 0, 0]);
    assert.ok(compared > 20);
  });
});
