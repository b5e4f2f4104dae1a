import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import type pg from 'pg';
import type { Tables } from '../support/judge/decisions.ts';
import { Servers } from '../support/trial/servers.ts';
import type { Service, Status } from '../support/trial/service.ts';
import type { Trial } from '../support/trial/trial.ts';
import { until } from '../support/wait.ts';

// What a copy meets on a source that is in use, whether it is the first one or one beside the stream (C-01, C-04, C-07, C-08, C-10).

const servers = await Servers.start({ sourceSettings: { max_prepared_transactions: '5' } });
after(() => servers[Symbol.asyncDispose]());

const plain = (name: string) => `CREATE TABLE ${name} (id integer PRIMARY KEY, v text);
  INSERT INTO ${name} SELECT i, 'v' || i FROM generate_series(1, 50) i;`;
const decided = (...names: string[]): Tables =>
  Object.fromEntries(names.map((name) => [`public.${name}`, { columns: { id: 'keep', v: 'keep' } }]));

const stateOf = (name: string, { tables }: Status) => tables[`public.${name}`]?.state;

describe('writes without a pause', () => {
  const WRITERS = 3;
  /** Of each writer: an odd number, so that every row meets every kind of transaction. */
  const ROWS = 5001;
  /** A row that moves gets a key so much higher, and comes back. */
  const AWAY = 1_000_000;
  const SETUP = `
    CREATE TABLE account (id bigint PRIMARY KEY, balance integer NOT NULL, note text);
    INSERT INTO account SELECT i, 100, repeat('n', 500) FROM generate_series(0, ${WRITERS * ROWS - 1}) i;
    CREATE TABLE transfer (id bigserial PRIMARY KEY);
    CREATE TABLE total (writer integer PRIMARY KEY, transfers integer NOT NULL);
    INSERT INTO total SELECT i, 0 FROM generate_series(0, ${WRITERS - 1}) i`;
  const tables: Tables = {
    'public.account': { columns: { id: 'keep', balance: 'keep', note: 'keep' } },
    'public.transfer': { columns: { id: 'keep' } },
    'public.total': { columns: { writer: 'keep', transfers: 'keep' } },
  };

  /** Leaves the sum of all balances as it is, and counts itself. Each writer has rows of its own. */
  function transaction(writer: number, at: number): string {
    const id = (nth: number) => WRITERS * ((nth * 7919) % ROWS) + writer;
    const [one, other] = [id(at), id(at + 1)];
    const both = `(SELECT count(*) FROM account WHERE id IN (${one}, ${other})) = 2`;
    const change = [
      `UPDATE account SET balance = balance + CASE id WHEN ${one} THEN 1 ELSE -1 END WHERE id IN (${one}, ${other}) AND ${both}`,
      `WITH gone AS (DELETE FROM account WHERE id = ${one} RETURNING balance)
        INSERT INTO account SELECT ${one + AWAY}, balance FROM gone`,
      `UPDATE account SET id = id - ${AWAY}, note = 'back' WHERE id = ${one + AWAY}`,
      `UPDATE account SET id = id + ${AWAY} WHERE id = ${one}`,
    ][at % 4];
    return `BEGIN; ${change}; INSERT INTO transfer DEFAULT VALUES;
      UPDATE total SET transfers = transfers + 1 WHERE writer = ${writer}; COMMIT`;
  }

  async function write(trial: Trial, writer: number, stopped: AbortSignal): Promise<void> {
    await using client = await servers.source.connect(trial.name);
    for (let at = 0; !stopped.aborted; at += 20) {
      const many = Array.from({ length: 20 }, (_, more) => transaction(writer, at + more));
      await client.query(`${many.join(';')}; SELECT pg_sleep(0.05)`);
    }
  }

  /** Looks at the twin for as long as it is written to: each look is the source at some commit, as far as the tables are there. */
  async function look(trial: Trial, stopped: AbortSignal): Promise<void> {
    await using client = await servers.twin.connect(trial.name);
    const ask = async (sql: string) => (await client.query(sql).catch(() => null))?.rows[0];
    while (!stopped.aborted) {
      const account = await ask('SELECT sum(balance)::int AS sum, count(*)::int AS rows FROM account');
      if (account?.rows > 0) assert.deepEqual(account, { sum: 100 * WRITERS * ROWS, rows: WRITERS * ROWS });
      const told = await ask('SELECT (SELECT count(*) FROM transfer) AS there, sum(transfers) AS told FROM total');
      if (told) assert.equal(told.there, told.told);
    }
  }

  test('at every moment of a first copy and of a later one the twin is the source at some commit', async () => {
    await using trial = await servers.trial(SETUP, tables);
    const stop = new AbortController();
    const working = Promise.all([
      ...Array.from({ length: WRITERS }, (_, writer) => write(trial, writer, stop.signal)),
      look(trial, stop.signal),
    ]);
    try {
      const service = await trial.stream();
      assert.equal((await trial.command(['recopy', 'public.account'])).code, 0);
      await service.copiesAnew('public.account', 1);
      await service.stop();
    } finally {
      stop.abort();
      await working;
    }
    await trial.catchUp();
    await trial.assertEqual();
  });
});

test('a slot that cannot be made while another transaction is open: whoever it is of is named, the copy is tried again, the others stream', async () => {
  const tables = decided('one', 'two');
  await using trial = await servers.trial(`${plain('one')} ${plain('two')} CREATE TABLE busy (id integer)`, tables);
  await using first = await servers.source.connect(trial.name);
  await using second = await servers.source.connect(trial.name);
  const open = async (writer: pg.Client) => {
    await writer.query('BEGIN; INSERT INTO busy VALUES (1)');
    return (await writer.query('SELECT pg_backend_pid() AS pid')).rows[0].pid;
  };
  const namesOf = async (service: Service, who: string) => {
    const says = async () => (await service.page('/ready'))?.text.includes(`waiting: older transactions (${who}`);
    await until(says, { what: `${who} to be named` });
  };

  const blocking = await open(first);
  const service = await trial.run();
  await namesOf(service, `pid ${blocking} `);
  await first.query(`PREPARE TRANSACTION 'forgotten'`);
  await namesOf(service, `the prepared transaction 'forgotten')`);
  await first.query(`ROLLBACK PREPARED 'forgotten'`);
  await service.isReady();

  const again = await open(second);
  assert.equal((await trial.command(['recopy', 'public.one'])).code, 0);
  await until(() => service.process.output.includes(`older transactions (pid ${again} `), {
    what: 'the pid to be named',
  });
  await trial.source.query(`INSERT INTO two VALUES (100, 'meanwhile')`);
  const { tables: meanwhile } = await trial.holdsAll(service);
  assert.deepEqual([meanwhile['public.one']!.state, meanwhile['public.two']!.state], ['waiting', 'streaming']);
  // As when its patience is over: the copy fails, and is tried again.
  await trial.source.query(
    `SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE application_name = 'pgveil slot'`,
  );
  await until(() => service.process.output.includes('57014'), { what: 'the copy to fail' });
  await second.query('COMMIT');
  await service.copiesAnew('public.one', 1);
  await trial.holdsAll(service);
  await trial.assertEqual();
});

describe('timeouts of the server’s', () => {
  const TIMEOUTS = [
    'statement_timeout',
    'lock_timeout',
    'idle_in_transaction_session_timeout',
    'idle_session_timeout',
    'transaction_timeout',
  ];

  /** For every session that begins later. Those that the server does not know are left out. */
  async function setTimeouts(trial: Trial, how: string): Promise<void> {
    const sql = `SELECT format('ALTER ROLE %I IN DATABASE %I %s', current_user, current_database(), replace($2, '?', name)) AS sql
      FROM pg_settings WHERE name = ANY ($1)`;
    for (const client of [trial.source, trial.twin]) {
      for (const row of (await client.query(sql, [TIMEOUTS, how])).rows) await client.query(row.sql);
    }
  }

  test('end no session of ours, be it as slow as a copy of hours', async () => {
    await using trial = await servers.trial(`${plain('one')} ${plain('two')}`, decided('one', 'two'));
    await setTimeouts(trial, `SET ? = '500ms'`);
    const outlast = async (service: Awaited<ReturnType<Trial['run']>>) => {
      await service.holds();
      await trial.source.query('SELECT pg_sleep(1)');
      service.process.kill('SIGCONT');
    };
    const first = await trial.run({ fault: 'snapshot exported:1:SIGSTOP' });
    await outlast(first);
    await first.isReady();
    await first.stop();

    const second = await trial.run({ fault: 'snapshot exported:1:SIGSTOP' });
    await second.isReady();
    assert.equal((await trial.command(['recopy', 'public.one'])).code, 0);
    await outlast(second);
    await second.copiesAnew('public.one', 1);
    await second.stop();

    await trial.source.query(`INSERT INTO two VALUES (100, 'slow')`);
    const third = await trial.run({ fault: 'before the commit:1:SIGSTOP' });
    await outlast(third);
    const { tables } = await trial.holdsAll(third);
    assert.equal(tables['public.one']!.generation, 2, 'the copy was tried again');
    for (const { process } of [first, second, third]) assert.doesNotMatch(process.output, /timeout|retry_in_ms/);
    await setTimeouts(trial, 'RESET ?');
    await trial.assertEqual();
  });
});

describe('tables that are not as the others', () => {
  test('an empty one, one without partitions, one that is dropped in between and one of too many columns: each has its state, and the others stream', async () => {
    const setup = `${plain('whole')} ${plain('vanishing')} CREATE TABLE empty (id integer PRIMARY KEY, v text);
      CREATE TABLE leafless (id integer PRIMARY KEY, v text) PARTITION BY RANGE (id); CREATE TABLE bare ();
      CREATE TABLE wide (id integer PRIMARY KEY, ${Array.from({ length: 1599 }, (_, at) => `c${at} boolean`)})`;
    const well = decided('whole', 'empty', 'leafless');
    await using trial = await servers.trial(setup, {
      ...well,
      ...decided('vanishing'),
      'public.bare': { columns: {} },
      'public.wide': { columns: { id: 'keep' } },
    });
    const service = await trial.run({ fault: 'snapshot exported:1:SIGSTOP' });
    await service.holds();
    await trial.source.query('DROP TABLE vanishing');
    service.process.kill('SIGCONT');
    await service.halts('public.vanishing', 'table_missing');
    await service.halts('public.bare', 'no_key');
    await service.halts('public.wide', 'too_wide');
    await service.reaches('the others', (now) =>
      Object.keys(well).every((name) => now.tables[name]?.state === 'streaming'),
    );
    await trial.source.query(`INSERT INTO empty VALUES (1, 'first'); ${plain('vanishing')}`);
    await service.copiesAnew('public.vanishing', 0);
    await trial.source.query(`INSERT INTO vanishing VALUES (100, 'later')`);
    await trial.holdsAll(service);
    await trial.assertEqual({ ...well, ...decided('vanishing') });
    // The one too wide is no trouble of the others.
    assert.doesNotMatch((await service.page('/metrics'))!.text, /^pgveil_troubles_total\{.*\} [1-9]/m);
    await trial.source.query('ALTER TABLE wide DROP c0');
    await service.copiesAnew('public.wide', 0);
  });

  test('one that may not be read, or not whole, halts alone; the SQL that is shown mends it', async () => {
    const unreadable = ['secret', 'filtered', 'partly'];
    const role = 'narrow';
    const setup = `${['open', ...unreadable].map(plain).join('')} DROP ROLE IF EXISTS ${role}; CREATE ROLE ${role} LOGIN REPLICATION;
      GRANT SELECT ON open, filtered TO ${role}; GRANT SELECT (id, v) ON partly TO ${role};
      ALTER TABLE filtered ENABLE ROW LEVEL SECURITY; CREATE POLICY few ON filtered USING (id < 10);
      CREATE PUBLICATION made FOR ALL TABLES WITH (publish_via_partition_root = true)`;
    await using trial = await servers.trial(setup, decided('open', ...unreadable), {
      sourceRole: role,
      publication: 'made',
    });
    const check = await trial.command(['check', '--json']);
    const { findings } = JSON.parse(check.stdout) as { findings: { code: string; object: string; fix: string }[] };
    assert.deepEqual(
      findings.map(({ code, object }) => `${code} ${object}`).sort(),
      unreadable.map((name) => `table_unreadable public.${name}`).sort(),
    );
    const service = await trial.run();
    for (const name of unreadable) await service.halts(`public.${name}`, 'table_unreadable');
    await service.reaches('the other', (now) => stateOf('open', now) === 'streaming');
    assert.equal(
      (await trial.twin.query(`SELECT FROM pg_class WHERE relname = 'filtered' AND reltuples > 0`)).rowCount,
      0,
    );
    for (const { fix } of findings) await trial.source.query(fix);
    await service.isReady();
    await trial.holdsAll(service);
    await trial.assertEqual();
  });
});
