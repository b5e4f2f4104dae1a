import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import type { Decision } from '../support/judge/decisions.ts';
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

test('a fragment of XML arrives where the twin prefers documents, and a path of an extension that it lacks', async () => {
  // Not every server was built with what reads XML.
  const isXml = await servers.source.query("SELECT XMLPARSE(CONTENT '<a/>')").then(
    () => true,
    () => false,
  );
  const values = isXml ? "XMLPARSE(CONTENT '<a/>text<b/>'), 'Top.Science'" : "'Top.Science'";
  const setup = `CREATE EXTENSION ltree SCHEMA public;
    CREATE TABLE paper (id integer PRIMARY KEY, ${isXml ? 'body xml, ' : ''}path public.ltree); INSERT INTO paper VALUES (1, ${values}); INSERT INTO paper VALUES (2)`;
  const columns: Record<string, Decision> = { id: 'keep', ...(isXml ? { body: 'keep' } : {}), path: 'keep' };
  await using trial = await servers.trial(setup, { 'public.paper': { columns } });
  for (const server of [trial.source, trial.twin])
    await server.query(`ALTER DATABASE ${trial.name} SET xmloption = document`);
  const pgveil = await trial.stream();
  await trial.assertEqual();
  await trial.source.query(`INSERT INTO paper VALUES (3, ${values})`);
  await trial.source.query(
    `UPDATE paper SET path = 'Top.Astronomy'${isXml ? ", body = XMLPARSE(CONTENT '<b/>')" : ''} WHERE id < 3`,
  );
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
