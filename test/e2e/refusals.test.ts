import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import type { Tables } from '../support/judge/decisions.ts';
import { createDatabase } from '../support/postgres/postgres.ts';
import { Servers } from '../support/trial/servers.ts';
import type { Trial } from '../support/trial/trial.ts';

const servers = await Servers.start({ sourceSettings: { max_replication_slots: '12' } });
after(() => servers[Symbol.asyncDispose]());

const SETUP = `
  CREATE TABLE person (id integer PRIMARY KEY, name varchar(20), age integer, seen timestamptz);
  INSERT INTO person SELECT i, 'p' || i FROM generate_series(1, 10) i;
  CREATE TABLE visit (id integer PRIMARY KEY, v text);
  INSERT INTO visit VALUES (1, 'v')`;
const tables: Tables = {
  'public.person': { columns: { id: 'keep', name: 'keep', age: 'keep', seen: 'keep' } },
  'public.visit': { columns: { id: 'keep', v: 'keep' } },
};

interface Finding {
  readonly code: string;
  readonly object: string;
  readonly message: string;
  readonly fix: string;
}

/** What `check --json` says, and that `run` ends with the same code, starts nothing and shows no stack. */
async function refused(trial: Trial, code: number, configuration: unknown = trial.configuration()): Promise<Finding[]> {
  const file = await trial.write(configuration, 'refused.yaml');
  const check = await trial.pgveil(['check', '--json', '-c', file]);
  assert.equal(check.code, code, check.stdout + check.stderr);
  const { ok, findings } = JSON.parse(check.stdout) as { ok: boolean; findings: Finding[] };
  assert.equal(ok, false);
  for (const { code: kind, object, message, fix } of findings) assert.ok(kind && object && message && fix);

  const run = await trial.pgveil(['run', '-c', file]);
  assert.equal(run.code, code, run.stdout + run.stderr);
  for (const { stdout, stderr } of [check, run]) assert.doesNotMatch(stdout + stderr, /^ +at .*:\d+:\d+\)?$/m);
  for (const finding of findings)
    assert.ok((run.stdout + run.stderr).includes(finding.code), `run says nothing of ${finding.code}`);
  await trial.assertNothingMade();
  return findings;
}

const about = (findings: readonly Finding[]) => findings.map(({ code, object }) => `${code} ${object}`);

describe('a configuration that is wrong', () => {
  test('is told all at once, with line and path, and exit code 2', async () => {
    await using trial = await servers.trial(SETUP, tables);
    const written = `version: 1
name: shop
key: too short
sources: {}
source:
  url: ${trial.sourceUrl}
  snapshot: { workers: many }
tables:
  public.person:
    columns:
      id: keep
      name: null
      age: true
      seen: { hsah: {} }
      more: \${NOT_SET_ANYWHERE}
sinks:
  twin: { type: postgres, url: ${trial.twinUrl} }
`;
    const findings = await refused(trial, 2, written);
    const said = findings.map(({ object, message }) => `${object} ${message}`).join('\n');
    for (const path of ['key', 'sources', 'workers', 'columns.name', 'columns.age', 'hsah', 'NOT_SET_ANYWHERE']) {
      assert.ok(said.includes(path), `${path} is missing in:\n${said}`);
    }
    assert.match(said, /refused\.yaml:3\b/);
    assert.doesNotMatch(said, /too short\b.*too short/);
  });

  test('an empty key, and what is not built yet, are refused by name', async () => {
    await using trial = await servers.trial(SETUP, tables);
    const findings = await refused(trial, 2, {
      ...trial.configuration(),
      key: '',
      tables: { ...tables, 'public.visit': { columns: { id: 'keep', v: 'token' } } },
    });
    assert.ok(about(findings).some((text) => text.includes('key')));
    assert.ok(findings.some(({ message }) => /not built yet/.test(message)));
  });

  test('tables and columns that were never there, rules that do not fit, and a key that is none: all in one list', async () => {
    await using trial = await servers.trial(SETUP, {
      'public.persn': { columns: { id: 'keep' } },
      'public.person': {
        columns: { id: { mask: { first: 1 } }, nam: 'keep', name: 'hash', age: { fake: 'email' }, seen: { round: 1 } },
      },
      'public.visit': { key: ['v'], columns: { id: 'keep', v: 'keep' } },
    });
    const found = about(await refused(trial, 2)).join('\n');
    for (const expected of [
      /^unknown_table .*persn/m,
      /^unknown_column .*nam\b/m,
      /^(key_not_injective|rule_misfit) .*\bid\b/m,
      /^rule_misfit .*name/m,
      /^rule_misfit .*age/m,
      /^rule_misfit .*seen/m,
      /^unknown_key .*visit/m,
    ]) {
      assert.match(found, expected);
    }
  });

  test('a twin that is the source itself, a schema and a column with our names', async () => {
    const setup = `${SETUP}; CREATE SCHEMA pgveil; CREATE TABLE pgveil.t (id integer PRIMARY KEY);
      CREATE TABLE taken (source_primary_key integer PRIMARY KEY)`;
    await using trial = await servers.trial(setup, {
      ...tables,
      'pgveil.t': { columns: { id: 'keep' } },
      'public.taken': { columns: { source_primary_key: 'keep' } },
    });
    const found = about(
      await refused(trial, 2, {
        ...trial.configuration(),
        sinks: { twin: { type: 'postgres', url: trial.sourceUrl } },
      }),
    );
    for (const code of ['twin_is_source', 'reserved_schema', 'reserved_column']) {
      assert.ok(
        found.some((text) => text.startsWith(code)),
        `${code} is missing in ${found.join(', ')}`,
      );
    }
  });

  test('a command line that nobody knows ends with 2', async () => {
    await using trial = await servers.trial(SETUP, tables);
    for (const command of [['walk'], ['run', '--backwards'], ['run', '--timeout', 'soon', '--until-caught-up']]) {
      assert.equal((await trial.command(command)).code, 2, command.join(' '));
    }
    assert.equal((await trial.pgveil(['run', '-c', 'there is no such file.yaml'])).code, 2);
  });
});

describe('what only a person can mend', () => {
  test('wal_level, missing databases and refused users end with 3, each with its fix', async () => {
    await using trial = await servers.trial(SETUP, tables);
    const url = servers.twin.url('elsewhere');
    await createDatabase(servers.twin, 'elsewhere');
    await servers.twin.query(SETUP, { database: 'elsewhere' });
    const findings = await refused(trial, 3, { ...trial.configuration(), source: { url } });
    assert.ok(findings.some(({ code, fix }) => code === 'wal_level' && /ALTER SYSTEM/.test(fix)));

    const missing = { ...trial.configuration(), sinks: { twin: { type: 'postgres', url: `${trial.twinUrl}_not` } } };
    assert.deepEqual(
      (await refused(trial, 3, missing)).map(({ code }) => code),
      ['database_missing'],
    );
  });

  test('a user without rights is shown all the SQL that gives them, and needs no more', async () => {
    await using trial = await servers.trial(`${SETUP}; DROP ROLE IF EXISTS nobody; CREATE ROLE nobody LOGIN`, tables);
    // Before Postgres 15 everybody may create tables in public.
    await trial.twin.query(
      'REVOKE CREATE ON SCHEMA public FROM PUBLIC; DROP ROLE IF EXISTS nobody; CREATE ROLE nobody LOGIN',
    );
    const as = (address: string) => address.replace('postgres@', 'nobody@');
    const configuration = {
      ...trial.configuration(),
      source: { url: as(trial.sourceUrl) },
      sinks: { twin: { type: 'postgres', url: as(trial.twinUrl) } },
    };
    const findings = await refused(trial, 3, configuration);
    const fixes = findings.map(({ fix }) => fix).join('\n');
    for (const sql of [/REPLICATION/, /CREATE PUBLICATION/, /GRANT SELECT/, /GRANT .*CREATE/]) assert.match(fixes, sql);

    for (const { code, fix } of findings) await (code === 'twin_rights' ? trial.twin : trial.source).query(fix);
    const { code, stdout, stderr } = await trial.pgveil(
      ['run', '--until-caught-up', '-c', await trial.write(configuration, 'allowed.yaml')],
      90_000,
    );
    assert.equal(code, 0, stdout + stderr);
    await trial.assertEqual();
  });

  test('a source without a free slot', async () => {
    await using trial = await servers.trial(SETUP, tables);
    await trial.source.query(`SELECT pg_create_physical_replication_slot('taken' || i) FROM generate_series(1, 12) i`);
    try {
      assert.ok((await refused(trial, 3)).some(({ code }) => code === 'no_free_slot'));
    } finally {
      await trial.source.query(
        `SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_name LIKE 'taken%'`,
      );
    }
  });

  test('a table of the twin that somebody else made', async () => {
    await using trial = await servers.trial(SETUP, tables);
    await trial.twin.query('CREATE TABLE visit (mine text)');
    const { code, stdout } = await trial.command(['check', '--json']);
    assert.equal(code, 3);
    assert.deepEqual(about(JSON.parse(stdout).findings), ['target_exists public.visit']);
    assert.equal((await trial.command(['run'])).code, 3);
    assert.deepEqual(
      (await trial.twin.query('SELECT * FROM visit')).fields.map(({ name }) => name),
      ['mine'],
    );
  });
});

describe('one table without a usable key', () => {
  test('halts alone, is shown by check, and the others stream', async () => {
    const setup = `${SETUP}; CREATE TABLE loose (a integer); INSERT INTO loose VALUES (1), (1);
      CREATE TABLE late (a integer PRIMARY KEY DEFERRABLE); INSERT INTO late VALUES (1)`;
    await using trial = await servers.trial(setup, {
      ...tables,
      'public.loose': { columns: { a: 'keep' } },
      'public.late': { columns: { a: 'keep' } },
    });
    const check = await trial.command(['check', '--json']);
    assert.equal(check.code, 3);
    assert.deepEqual(about(JSON.parse(check.stdout).findings).sort(), ['no_key public.late', 'no_key public.loose']);

    await trial.catchUp(3);
    await trial.assertEqual(tables);
    // Publishing a table without a replica identity would make the application's own updates fail.
    await trial.source.query('UPDATE loose SET a = 2');

    const service = await trial.run();
    await service.halts('public.loose', 'no_key');
    await trial.source.query(`UPDATE person SET name = 'x'`);
    await trial.holdsAll(service);
    await trial.assertEqual(tables);
  });
});

describe('one table whose key a rule cannot rewrite', () => {
  test('halts in its first copy, and nobody waits for it', async () => {
    // One pseudonym in a hundred is too long for the column: too few for the rule to be refused.
    const setup = `${SETUP}; CREATE TABLE account (mail varchar(47) PRIMARY KEY);
      INSERT INTO account SELECT 'v' || i FROM generate_series(1, 2000) i`;
    const unique = { fake: { kind: 'email', unique: true } } as const;
    await using trial = await servers.trial(setup, { ...tables, 'public.account': { columns: { mail: unique } } });
    await trial.catchUp(3);
    await trial.assertEqual(tables);
    const service = await trial.run();
    await service.halts('public.account', 'rule_failed');
    await trial.source.query(`UPDATE person SET name = 'x'`);
    await trial.holdsAll(service);
    await trial.assertEqual(tables);
  });
});
