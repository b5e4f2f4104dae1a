import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { Reader, readTable } from '../support/judge/reader.ts';
import { TYPES } from '../support/judge/types.ts';
import { Servers } from '../support/trial/servers.ts';
import type { Trial } from '../support/trial/trial.ts';
import { typesChanges, typesSetup, typesTables } from '../support/trial/types-trial.ts';

const servers = await Servers.start();
after(() => servers[Symbol.asyncDispose]());

test('sixty column types arrive as the same text through copy, insert, update, and in the key', async () => {
  assert.ok(TYPES.length >= 60);
  await using trial = await servers.trial(typesSetup(), typesTables());
  const pgveil = await trial.stream();
  await trial.assertEqual();
  for (const change of typesChanges()) await trial.source.query(change);
  await trial.holdsAll(pgveil);
  await trial.assertEqual();
  await assertTypes(trial);
});

test('values arrive as the same text whatever the source, its databases and its roles prefer', async () => {
  await using trial = await servers.trial(typesSetup(), typesTables());
  const preferences = [
    'extra_float_digits = -5',
    "datestyle = 'German'",
    "intervalstyle = 'iso_8601'",
    "timezone = 'Asia/Kathmandu'",
    'bytea_output = escape',
    'search_path = public',
    "xmloption = 'document'",
  ];
  for (const preference of preferences) {
    await trial.source.query(`ALTER DATABASE ${trial.name} SET ${preference}`);
    await trial.twin.query(`ALTER DATABASE ${trial.name} SET ${preference}`);
  }
  const pgveil = await trial.stream();
  for (const change of typesChanges().slice(0, 8)) await trial.source.query(change);
  await trial.holdsAll(pgveil);
  await trial.assertEqual();
});

/** Types that any Postgres has are the twin's too; all others are text there. */
async function assertTypes(trial: Trial): Promise<void> {
  await using source = await Reader.open(trial.sourceUrl);
  await using twin = await Reader.open(trial.twinUrl);
  const there = new Map((await readTable(twin, 'public.wide'))!.columns.map(({ name, type }) => [name, type]));
  const [, ...columns] = (await readTable(source, 'public.wide'))!.columns;
  for (const [at, { name, type }] of columns.entries()) {
    assert.equal(there.get(name), TYPES[at]!.twin ?? type, `the twin's type for ${type}`);
  }
}
