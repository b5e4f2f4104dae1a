import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { assertNoSighting, canary, scanBytes } from '../support/judge/canary.ts';
import type { Tables } from '../support/judge/decisions.ts';
import { expectation } from '../support/judge/rules.ts';
import { Servers } from '../support/trial/servers.ts';
import { KEY } from '../support/trial/trial-configuration.ts';

const servers = await Servers.start({
  twinSettings: { log_statement: 'all', log_min_messages: 'debug1', wal_keep_size: '2GB' },
});
after(() => servers[Symbol.asyncDispose]());

/** Part of every value that a rule stands before. */
const hidden = canary('a hidden value');
/** Part of every value that is kept: it belongs into the twin, and into nothing that pgveil says. */
const kept = canary('a kept value');

const quote = (text: string) => `'${text.replaceAll("'", "''")}'`;
const secret = quote(`${hidden.value} `);
const visible = quote(`${kept.value} `);

const tables: Tables = {
  'public.person': {
    columns: {
      id: 'hash',
      hashed: { hash: { class: 'person' } },
      masked: { mask: { first: 3, last: 2 } },
      nothing: 'null',
      dropped: 'drop',
      same: { constant: 'x' },
      cut: { truncate: 4 },
      first_name: { fake: 'firstName' },
      last_name: { fake: 'lastName' },
      name: { fake: 'name' },
      email: { fake: 'email' },
      phone: { fake: 'phone' },
      street: { fake: 'street' },
      city: { fake: 'city' },
      postcode: { fake: 'postcode' },
      company: { fake: 'company' },
      document: 'null',
      bytes: 'drop',
      list: 'null',
      kept: 'keep',
      // undecided: nobody decided on it
    },
  },
  // Since 18 its generated column is in the stream, in old images too, and leaves all the same by no way.
  'public.computed': { columns: { id: 'keep', hidden: 'hash' } },
};

const TEXTS =
  'hashed masked nothing dropped same cut first_name last_name name email phone street city postcode company undecided'.split(
    ' ',
  );

const row = (
  id: string,
) => `INSERT INTO person VALUES (${secret} || ${id}, ${TEXTS.map((name) => `${secret} || '${name}'`).join(', ')},
  jsonb_build_object('a', ${secret}::text), convert_to(${secret}, 'UTF8'), ARRAY[${secret}, NULL], ${visible} || ${id})`;

const SETUP = `
  CREATE TABLE person (id text PRIMARY KEY, ${TEXTS.map((name) => `${name} text`).join(', ')}, document jsonb, bytes bytea, list text[],
    kept text);
  ALTER TABLE person REPLICA IDENTITY FULL;
  CREATE INDEX person_hashed ON person (hashed);
  CREATE INDEX person_partial ON person (hashed) WHERE masked > ${secret};
  COMMENT ON TABLE person IS ${secret};
  COMMENT ON COLUMN person.hashed IS ${secret};
  ALTER TABLE person ALTER hashed SET DEFAULT ${secret};
  ALTER TABLE person ADD CHECK (masked <> ${secret});
  ${row("'1'")}; ${row("'2'")}; ${row("'3'")};
  CREATE TABLE computed (id integer PRIMARY KEY, hidden text, generated text GENERATED ALWAYS AS (hidden || '!') STORED);
  ALTER TABLE computed REPLICA IDENTITY FULL;
  INSERT INTO computed VALUES (1, ${secret}), (2, ${secret})`;

const CHANGES = [
  row("'10'"),
  `UPDATE person SET hashed = ${secret} || 'changed', masked = ${secret} || 'changed' WHERE id LIKE '%1'`,
  `UPDATE person SET id = ${secret} || 'moved' WHERE id LIKE '%2'`,
  `UPDATE person SET undecided = hashed || repeat(md5(hashed), 300)`,
  `DELETE FROM person WHERE id LIKE '%3'`,
  `UPDATE computed SET hidden = hidden || 'changed' WHERE id = 1`,
  'DELETE FROM computed WHERE id = 2',
  `SELECT pg_logical_emit_message(true, 'test', ${secret})`,
  `BEGIN; ${row("'11'")}; ROLLBACK`,
];

describe('planted values', () => {
  test('are in no file, log, page or output after a copy, changes, a status and a drop', async () => {
    await using trial = await servers.trial(SETUP, tables);
    const service = await trial.stream();
    for (const change of CHANGES) await trial.source.query(change);
    await trial.holdsAll(service);
    await trial.assertEqual();
    await trial.assertSilent([hidden, kept], service);
    await service.stop();
    for (const command of [['check'], ['status', '--json'], ['drop', '--yes', '--data']]) {
      const { stdout, stderr } = await trial.command(command);
      assertNoSighting(scanBytes(stdout + stderr, [hidden, kept], command.join(' ')));
    }
  });

  test('are not in what is said when a key collides with a row of the twin', async () => {
    await using trial = await servers.trial(SETUP, tables);
    const service = await trial.stream();
    const key = expectation({ name: 'hash', options: {} }, KEY)(`${hidden.value} 20`);
    await trial.twin.query('INSERT INTO person (source_primary_key) VALUES ($1)', [key]);
    await trial.source.query(row("'20'"));
    await service.halts('public.person', 'key_collision');
    await trial.assertSilent([hidden, kept], service);
  });

  test('are not in what is said when the twin cannot take a value', async () => {
    const setup = `CREATE TYPE mood AS ENUM (${quote(kept.value)}, 'fine');
      CREATE TABLE person (id integer PRIMARY KEY, mood mood, ssn text);
      INSERT INTO person VALUES (1, ${quote(kept.value)}, ${secret})`;
    const decisions: Tables = { 'public.person': { columns: { id: 'keep', mood: 'keep', ssn: 'hash' } } };
    await using trial = await servers.trial(setup, decisions, { sink: { types: { 'public.mood': 'integer' } } });
    const service = await trial.run();
    await service.process.waitForOutput(/22P02|twin_failed|rule_misfit/);
    await trial.assertSilent([hidden, kept], service);
  });

  test('are not in what is said when a rule does not fit', async () => {
    await using trial = await servers.trial(SETUP, {
      'public.person': { columns: { id: 'hash', bytes: 'hash', list: { mask: { first: 2 } } } },
    });
    const { code, stdout, stderr } = await trial.command(['run']);
    assert.equal(code, 2);
    assertNoSighting(scanBytes(stdout + stderr, [hidden, kept], 'the output of pgveil'));
  });

  test('are not in what is said when the twin is away and comes back', async () => {
    await using trial = await servers.trial(SETUP, tables);
    const service = await trial.stream();
    await servers.twin.stop('immediate');
    for (const change of CHANGES) await trial.source.query(change);
    await service.process.waitForOutput(/twin_away/);
    await trial.assertSilent([hidden, kept], service);
    await servers.twin.start();
    await trial.reconnect();
    await trial.holdsAll(service);
    await trial.assertEqual();
    await trial.assertSilent([hidden, kept], service);
  });

  test('are not in what a process leaves behind that SIGABRT hits', async () => {
    await using trial = await servers.trial(SETUP, tables);
    const service = await trial.stream();
    for (const change of CHANGES) await trial.source.query(change);
    await trial.holdsAll(service);
    service.process.kill('SIGABRT');
    await service.process.exited;
    await trial.assertSilent([hidden, kept], service);
  });

  test('are not in what a defect of ours says, thrown where nobody catches it', async () => {
    await using trial = await servers.trial(SETUP, tables);
    // By the environment: what stands in the module's text would stand in its URL, too, which is where a stack points.
    const defect = `process.on('SIGUSR2', () => { throw new TypeError(process.env.HIDDEN, { cause: process.env.KEPT }) })`;
    const service = await trial.run({
      environment: {
        NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(defect)}`,
        HIDDEN: hidden.value,
        KEPT: kept.value,
      },
    });
    await service.isReady();
    service.process.kill('SIGUSR2');
    const { code } = await service.process.exited;
    assert.notEqual(code, 0);
    assert.match(service.process.output, /internal/);
    await trial.assertSilent([hidden, kept], service);
  });

  test('are after all of this in no file and no log of the twin', async () => {
    await servers.assertNoLeak([hidden]);
  });
});
