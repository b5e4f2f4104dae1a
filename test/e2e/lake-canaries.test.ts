import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { assertNoSighting, canary, scanBytes } from '../support/judge/canary.ts';
import type { Tables } from '../support/judge/decisions.ts';
import { dumpLake, lakeOf } from '../support/lake/lake.ts';
import { Servers } from '../support/trial/servers.ts';

const servers = await Servers.start();
after(() => servers[Symbol.asyncDispose]());

/** Part of every value that a rule stands before. */
const hidden = canary('a hidden value');
/** Of a value that is kept: the search has to find it. */
const kept = canary('a kept value');

const quote = (text: string) => `'${text.replaceAll("'", "''")}'`;

const SETUP = `
  CREATE TABLE person (id text PRIMARY KEY, hashed text, masked text, nothing text, dropped text, undecided text, large text, kept text);
  ALTER TABLE person REPLICA IDENTITY FULL;
  ALTER TABLE person ALTER large SET STORAGE EXTERNAL`;

const tables: Tables = {
  'public.person': {
    columns: {
      id: 'hash',
      hashed: { hash: { class: 'person' } },
      masked: { mask: { last: 2 } },
      nothing: 'null',
      dropped: 'drop',
      large: 'hash',
      kept: 'keep',
    },
  },
};

const row = (id: string) =>
  `INSERT INTO person VALUES (${quote(`${hidden.value} ${id}`)}, ${Array(5).fill(quote(hidden.value)).join(', ')}, repeat(${quote(hidden.value)}, 200), ${quote(kept.value)});`;

test('no raw value is in the lake: not in rows, old images, keys, bounds, logs or names', async () => {
  await using trial = await servers.trial(`${SETUP}; ${row('1')} ${row('2')} ${row('3')}`, tables, { lake: {} });
  const pgveil = await trial.stream();
  await trial.source.query(`${row('4')} UPDATE person SET kept = kept || '!' WHERE id LIKE '%1'`);
  await trial.source.query(
    `UPDATE person SET id = id || ' moved' WHERE id LIKE '%2'; DELETE FROM person WHERE id LIKE '%3'`,
  );
  await trial.source.query(`ALTER TABLE person ADD later text DEFAULT ${quote(hidden.value)}`);
  await pgveil.copiesAnew('public.person', 1);
  await trial.holdsAll(pgveil);
  await trial.assertSilent([hidden], pgveil);
  await pgveil.stop();
  const dump = await dumpLake(lakeOf(trial));
  assert.ok(scanBytes(dump, [kept], 'the lake').length > 0, 'the search finds nothing at all');
  assertNoSighting(scanBytes(dump, [hidden], 'the lake'));
});
