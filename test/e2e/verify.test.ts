import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Tables } from '../support/judge/decisions.ts';
import { Servers } from '../support/trial/servers.ts';
import type { Trial } from '../support/trial/trial.ts';
import { figuresOf, verify } from '../support/trial/verify.ts';

// `pgveil verify`: what is equal is equal whatever goes on, and what differs is found and named by hash.

const servers = await Servers.start();
after(() => servers[Symbol.asyncDispose]());

const SETUP = `
  CREATE TABLE person (id integer PRIMARY KEY, email text, code char(40), born date, paid numeric, about jsonb);
  INSERT INTO person SELECT i, 'p' || i || '@shop.test', 'c' || i, '2000-01-01'::date + i, i / 7.0, jsonb_build_object('b', i, 'a', E'tab\\t')
    FROM generate_series(1, 3000) i;
  CREATE TABLE visit (place text, at integer, note text, PRIMARY KEY (place, at));
  INSERT INTO visit SELECT 'place "' || i, i, repeat('x', i % 50) FROM generate_series(1, 500) i;
  CREATE TABLE empty (id numeric PRIMARY KEY)`;
const tables: Tables = {
  'public.person': {
    columns: { id: 'keep', email: 'hash', code: 'hash', born: 'keep', paid: { round: { digits: 1 } }, about: 'keep' },
  },
  'public.visit': { columns: { place: 'hash', at: 'keep', note: 'keep' } },
  'public.empty': { columns: { id: 'keep' } },
};

function hashOf(key: string): string {
  return createHash('sha256').update(key).digest('hex').slice(0, 16);
}

/** Changes to every table, some hundred a second, on rows that were there, came and went. */
async function write(trial: Trial, until: AbortSignal): Promise<number> {
  let written = 0;
  for (let at = 0; !until.aborted; at++) {
    const id = 1 + ((at * 37) % 2000); // not all: an update would repair what the test spoils in the twin
    await trial.source.query(`UPDATE person SET email = 'new' || $1, paid = paid + 1 WHERE id IN ($2, 1)`, [at, id]);
    await trial.source.query(`INSERT INTO visit VALUES ('late', $1, 'note')`, [at]);
    await trial.source.query(`DELETE FROM visit WHERE place = 'late' AND at = $1`, [at - 20]);
    if (at % 50 === 0) await trial.source.query('UPDATE person SET id = -id WHERE id IN (5, -5)');
    written += 3;
    await sleep(2);
  }
  return written;
}

describe('verify', () => {
  test('finds nothing where the twin is redact(source), whether pgveil runs or not', async () => {
    await using trial = await servers.trial(SETUP, tables);
    await trial.catchUp();
    const stopped = await verify(trial);
    assert.equal(stopped.code, 0);
    assert.deepEqual(figuresOf(stopped.tables['public.person']!), [3000, 0, 0, 0]);
    assert.deepEqual(figuresOf(stopped.tables['public.visit']!), [500, 0, 0, 0]);
    assert.deepEqual(figuresOf(stopped.tables['public.empty']!), [0, 0, 0, 0]);

    await trial.stream();
    const { code, stdout } = await trial.command(['verify', 'public.person']);
    assert.deepEqual([code, stdout], [0, 'public.person in twin: 3000 rows compared, equal\n']);
  });

  test('counts what was removed, added and changed in the twin by hand, and names the keys by hash', async () => {
    await using trial = await servers.trial(SETUP, tables);
    await trial.catchUp();
    await trial.twin.query(`DELETE FROM person WHERE id IN (7, 8);
      UPDATE person SET about = '{}' WHERE id = 9;
      INSERT INTO person (id, source_primary_key) VALUES (99999, 99999);
      UPDATE visit SET note = note || '!' WHERE at = 3`);
    const { code, tables: found } = await verify(trial);
    assert.equal(code, 3);
    const person = found['public.person']!;
    assert.deepEqual(figuresOf(person), [3001, 2, 1, 1]);
    assert.deepEqual([...person.examples].sort(), ['7', '8', '9', '99999'].map(hashOf).sort());
    assert.deepEqual(figuresOf(found['public.visit']!), [500, 0, 0, 1]);
    const { rows } = await trial.twin.query('SELECT source_primary_key AS key FROM visit WHERE at = 3');
    assert.deepEqual(found['public.visit']!.examples, [hashOf(rows[0].key)]);
    assert.deepEqual(figuresOf(found['public.empty']!), [0, 0, 0, 0]);

    const { stdout } = await trial.command(['verify', 'public.visit']);
    assert.match(stdout, /^public\.visit in twin: 500 rows compared, 1 different\n {2}keys, by hash: [0-9a-f]{16}\n$/);
  });

  test('under traffic finds what is wrong and nothing else', async () => {
    await using trial = await servers.trial(SETUP, tables);
    const pgveil = await trial.stream();
    const stop = new AbortController();
    const writing = write(trial, stop.signal);
    try {
      const right = await verify(trial);
      assert.equal(right.code, 0, JSON.stringify(right.tables));
      await trial.twin.query(`DELETE FROM person WHERE id = 2999; UPDATE visit SET note = 'wrong' WHERE at = 7`);
      const { code, tables: found } = await verify(trial);
      assert.equal(code, 3);
      assert.deepEqual(figuresOf(found['public.person']!).slice(1), [1, 0, 0]);
      assert.deepEqual(figuresOf(found['public.visit']!).slice(1), [0, 0, 1]);
    } finally {
      stop.abort();
    }
    assert.ok((await writing) > 100);
    await trial.holdsAll(pgveil);
  });

  test('of a sample takes the same keys each time', async () => {
    await using trial = await servers.trial(SETUP, tables);
    await trial.catchUp();
    const sample = await verify(trial, 'public.person', '--sample', '20%');
    const { compared } = sample.tables['public.person']!;
    assert.ok(compared > 450 && compared < 750, String(compared));
    assert.deepEqual(await verify(trial, 'public.person', '--sample', '20'), sample);
    assert.deepEqual(Object.keys(sample.tables), ['public.person']);
  });

  test('says which tables it leaves out, and why', async () => {
    await using trial = await servers.trial(SETUP, tables);
    await trial.catchUp();
    await trial.source.query('ALTER TABLE visit DROP CONSTRAINT visit_pkey');
    await trial.catchUp(3);
    const { code, tables: found } = await verify(trial);
    assert.equal(code, 0);
    assert.deepEqual(figuresOf(found['public.visit']!), [0, 0, 0, 0]);
    assert.deepEqual(found['public.visit']!.sinks, { twin: { skipped: 'halted: no_key' } });
    const { stdout } = await trial.command(['verify', 'public.visit']);
    assert.equal(stdout, 'public.visit in twin: skipped: halted: no_key\n');
  });

  test('before the first copy there is nothing to compare, and a sink that is not configured is a mistake', async () => {
    await using trial = await servers.trial(SETUP, tables);
    const { code, tables: found } = await verify(trial, 'public.empty');
    assert.equal(code, 0);
    assert.match(String(found['public.empty']!.sinks.twin!.skipped), /first copy is not finished/);
    const { code: refused } = await trial.command(['verify', '--sink', 'other']);
    assert.equal(refused, 2);
    const { code: share } = await trial.command(['verify', '--sample', '0']);
    assert.equal(share, 2);
  });

  test('writes nothing on the source and makes no slot', async () => {
    await using trial = await servers.trial(SETUP, tables);
    await trial.catchUp();
    const made = `SELECT count(*) AS slots, (SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE '%verify%') AS sessions
      FROM pg_replication_slots`;
    const before = (await trial.source.query(made)).rows;
    const end = await trial.sourceEnd();
    await verify(trial);
    assert.deepEqual((await trial.source.query(made)).rows, before);
    const { rows } = await trial.source.query('SELECT pg_current_xact_id_if_assigned() IS NULL AS none');
    assert.deepEqual(rows, [{ none: true }]);
    assert.ok((await trial.sourceEnd()) - end < 100_000n);
  });
});
