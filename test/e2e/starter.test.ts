import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { parse, stringify } from 'yaml';
import { projectRoot } from '../support/project.ts';
import { Servers } from '../support/trial/servers.ts';

// The query of docs/configuration.md that writes the list of tables to start from.

const servers = await Servers.start();
after(() => servers[Symbol.asyncDispose]());

const SETUP = `
  CREATE TYPE mood AS ENUM ('glad', 'sad');
  CREATE DOMAIN code AS varchar(8);
  CREATE TABLE person (id bigint PRIMARY KEY, name text, twice bigint GENERATED ALWAYS AS (id * 2) STORED);
  INSERT INTO person SELECT i, 'p' || i FROM generate_series(1, 10) i;
  CREATE TABLE by_text (a text, b varchar(32), c varchar(31), d mood, e code, f uuid, g "char", h int, PRIMARY KEY (a, b, c, d, e, f, g, h));
  INSERT INTO by_text VALUES ('a', 'b', 'c', 'sad', 'e', '00000000-0000-0000-0000-000000000000', 'g', 1);
  CREATE TABLE part (id int, v text, PRIMARY KEY (id)) PARTITION BY RANGE (id);
  CREATE TABLE part_1 PARTITION OF part FOR VALUES FROM (0) TO (10);
  CREATE SCHEMA "My Schema";
  CREATE TABLE "My Schema"."Order ""Items""" ("null" int PRIMARY KEY, "a: b" text, "# c" text, "$\{d}" text, "ünï" int, " " int);
  CREATE TABLE "My Schema"."true" ("false" text PRIMARY KEY);
  ALTER TABLE "My Schema"."true" REPLICA IDENTITY FULL;
  CREATE TABLE no_key (v text);
  CREATE TABLE late_key (id int PRIMARY KEY DEFERRABLE);
  CREATE TABLE no_identity (id int PRIMARY KEY);
  ALTER TABLE no_identity REPLICA IDENTITY NOTHING;
  CREATE UNLOGGED TABLE unlogged (id int PRIMARY KEY);
  CREATE VIEW seen AS SELECT * FROM person`;

test('the list to start from: check finds nothing wrong with it, and nothing leaves but the keys', async () => {
  const page = readFileSync(join(projectRoot, 'docs/configuration.md'), 'utf8');
  const [, query] = /<!-- starter -->\n\n```sql\n(.*?)```/s.exec(page)!;
  await using trial = await servers.trial(SETUP, {});
  const { rows } = await trial.source.query({ text: query!, rowMode: 'array' });
  const list = rows[0]![0] as string;
  const key = (decisions: object) => ({ columns: decisions });
  assert.deepEqual(parse(list).tables, {
    '"My Schema"."Order ""Items"""': key({
      ...{ null: 'keep', 'a: b': 'drop', '# c': 'drop', '${d}': 'drop', ünï: 'drop', ' ': 'drop' },
    }),
    '"My Schema".true': key({ false: 'hash' }),
    'public.by_text': key({
      ...{ a: 'hash', b: 'hash', c: 'keep', d: 'hash', e: 'hash', f: 'keep', g: 'keep', h: 'keep' },
    }),
    'public.late_key': 'skip',
    'public.no_identity': 'skip',
    'public.no_key': 'skip',
    'public.part': key({ id: 'keep', v: 'drop' }),
    'public.person': key({ id: 'keep', name: 'drop' }),
  });

  const { tables: _, ...rest } = trial.configuration();
  const file = await trial.write(`${stringify(rest)}\n${list}\n`);
  const check = await trial.pgveil(['check', '-c', file]);
  assert.equal(check.code, 0, check.stdout + check.stderr);
  const run = await trial.pgveil(['run', '--until-caught-up', '-c', file]);
  assert.equal(run.code, 0, run.stdout + run.stderr);
  const person = await trial.twin.query('SELECT * FROM public.person ORDER BY 1 LIMIT 1');
  assert.deepEqual({ ...person.rows[0] }, { id: '1', source_primary_key: '1' });
});
