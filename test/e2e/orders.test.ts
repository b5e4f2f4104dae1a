import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, describe, test } from 'node:test';
import type { Tables } from '../support/judge/decisions.ts';
import { Servers } from '../support/trial/servers.ts';
import type { Service } from '../support/trial/service.ts';
import type { Trial } from '../support/trial/trial.ts';

const servers = await Servers.start({ sourceSettings: { max_replication_slots: '12' } });
after(() => servers[Symbol.asyncDispose]());

const SETUP = `
  CREATE TABLE person (id integer PRIMARY KEY, name text, note text);
  ALTER TABLE person ALTER note SET STORAGE EXTERNAL;
  INSERT INTO person SELECT i, 'p' || i, 'n' FROM generate_series(1, 2000) i;
  INSERT INTO person VALUES (9000, 'x', repeat(md5('x'), 500));
  CREATE TABLE other (id integer PRIMARY KEY, v text);
  INSERT INTO other SELECT i, 'v' || i FROM generate_series(1, 100) i;
  ANALYZE`;
const tables: Tables = {
  'public.person': { columns: { id: 'keep', name: 'hash', note: 'keep' } },
  'public.other': { columns: { id: 'keep', v: 'keep' } },
};

const BOTH = ['public.person', 'public.other'] as const;

async function generations(service: Service): Promise<number[]> {
  await service.isReady();
  const { tables: now } = await service.status();
  return BOTH.map((table) => now[table]!.generation);
}

async function assertWhole(trial: Trial, service: Service): Promise<void> {
  await service.isReady();
  await trial.source.query(`UPDATE other SET v = 'after'; UPDATE person SET name = 'after' WHERE id < 100`);
  await trial.holdsAll(service);
  await trial.assertEqual();
}

/** Asks for a copy and kills the process right after its answer; returns the next one, once it has made that copy and all is equal. */
async function recopyThroughKill(trial: Trial, service: Service): Promise<Service> {
  assert.equal((await trial.command(['recopy', 'public.person'])).code, 0);
  await service.kill();
  await trial.source.query(`UPDATE person SET name = 'while down'`);
  const again = await trial.run();
  await again.copiesAnew('public.person', 1);
  await assertWhole(trial, again);
  return again;
}

describe('kill -9 right after the answer to `pgveil recopy`: no gap, and it is copied', () => {
  test('of a table that streams', async () => {
    await using trial = await servers.trial(SETUP, tables);
    const service = await trial.stream();
    const again = await recopyThroughKill(trial, service);
    assert.equal((await again.status()).tables['public.other']?.generation, 1);
  });

  test('of a table that a sink halted', async () => {
    await using trial = await servers.trial(SETUP, tables);
    const service = await trial.stream();
    await trial.twin.query('DELETE FROM person WHERE id = 9000');
    await trial.source.query(`UPDATE person SET name = 'y' WHERE id = 9000`);
    await service.halts('public.person', 'row_missing');
    await recopyThroughKill(trial, service);
  });

  for (const state of ['streams', 'waits, stale,'] as const) {
    test(`of a table above recopy.auto_below that ${state}`, async () => {
      await using trial = await servers.trial(SETUP, tables, { others: { recopy: { auto_below: '1kB' } } });
      const service = await trial.stream();
      if (state !== 'streams') {
        await trial.source.query(`ALTER TABLE person ADD more text DEFAULT 'more'`);
        await service.halts('public.person', 'stale');
      }
      await recopyThroughKill(trial, service);
    });
  }
});

test('without a running process `recopy` and `approve` exit 1 and say what to start', async () => {
  await using trial = await servers.trial(SETUP, tables);
  const recopy = await trial.command(['recopy', 'public.person']);
  assert.equal(recopy.code, 1);
  assert.match(recopy.stderr, /not_running: .*\n {2}fix: .* pgveil run --recopy 'public\.person'\n/);
  const approve = await trial.command(['approve', 'public.person@0123456789abcdef']);
  assert.equal(approve.code, 1);
  assert.match(approve.stderr, /pgveil run --approve 'public\.person@0123456789abcdef'\n/);
  const service = await trial.stream();
  const nothing = await trial.command(['approve', 'public.person@0123456789abcdef']);
  assert.equal(nothing.code, 3);
  assert.match(nothing.stderr, /approve_refused: public\.person: no name has moved/);
  assert.equal((await service.status()).tables['public.person']?.state, 'streaming');
});

test('`run --recopy` copies once: left in a service file it does nothing, and another table does', async () => {
  await using trial = await servers.trial(SETUP, tables);
  const args = ['--recopy', 'public.person'];
  // The first start copies everything anyway.
  const first = await trial.run({ args });
  assert.deepEqual(await generations(first), [1, 1]);
  await first.stop();
  const idle = await trial.run({ args });
  assert.deepEqual(await generations(idle), [1, 1]);
  await idle.stop();

  const killed = await trial.run({ args: [...args, 'public.other'], fault: 'streams at one position' });
  await killed.dies();
  await trial.source.query(`UPDATE other SET v = 'while down'`);
  const done = await trial.run({ args: [...args, 'public.other'] });
  await done.copiesAnew('public.other', 1);
  const [person, other] = await generations(done);
  assert.equal(person, 1);
  await assertWhole(trial, done);
  await done.stop();

  const still = await trial.run({ args: [...args, 'public.other'] });
  assert.deepEqual(await generations(still), [1, other]);
  await still.stop();
  // Taken out for one start, it is an order again.
  await trial.catchUp();
  assert.equal((await trial.command(['run', '--until-caught-up', ...args])).code, 0);
  const last = await trial.run();
  assert.deepEqual(await generations(last), [2, other]);
  await assertWhole(trial, last);
});

test('another key halts the pipeline with 3; `run --accept-key` copies all of it, once, and a later key again', async () => {
  await using trial = await servers.trial(SETUP, tables, { others: { recopy: { auto_below: '1kB' } } });
  await (await trial.stream()).stop();
  await trial.source.query(`UPDATE person SET name = 'since'`);
  const keys = [1, 2].map(() => randomBytes(32));
  trial.key = keys[0]!;
  const refused = await trial.run();
  await refused.exits(3);
  assert.match(refused.process.output, /key_changed.*\n.*pgveil run --accept-key/s);

  const args = ['--accept-key'];
  const killed = await trial.run({ args, fault: 'copy started' });
  await killed.dies();
  // What was accepted is durable before anything of it is read.
  const accepted = await trial.run();
  await Promise.all(BOTH.map((table) => accepted.copiesAnew(table, 1)));
  await assertWhole(trial, accepted);
  const after = await generations(accepted);
  await accepted.stop();
  const idle = await trial.run({ args });
  assert.deepEqual(await generations(idle), after);
  await idle.stop();

  trial.key = keys[1]!;
  await (await trial.run()).exits(3);
  const later = await trial.run({ args });
  await Promise.all(BOTH.map((table, at) => later.copiesAnew(table, after[at]!)));
  await assertWhole(trial, later);
});

test('another source halts the pipeline with 3; `run --accept-source` copies all from it by name, once', async () => {
  await using trial = await servers.trial(SETUP, tables);
  await using strange = await servers.trial(
    // Other oids, and of other tables: what was bound by them means nothing here.
    `CREATE TABLE other (id integer PRIMARY KEY, v text); INSERT INTO other VALUES (7, 'strange');
     CREATE TABLE person (id integer PRIMARY KEY, gone text, name text, note text);
     ALTER TABLE person DROP gone; INSERT INTO person VALUES (8, 'stranger', 'n')`,
    tables,
  );
  await (await trial.stream()).stop();
  // The two databases are of one server, where its name would be taken.
  await trial.source.query(`SELECT pg_drop_replication_slot('${trial.slot}')`);
  const configuration = {
    ...trial.configuration(),
    source: { ...(trial.configuration().source as object), url: strange.sourceUrl },
  };
  const run = async (args: string[]) => {
    const file = await trial.write(configuration, 'strange.yaml');
    return await trial.pgveil(['run', '--until-caught-up', ...args, '-c', file]);
  };
  const refused = await run([]);
  assert.equal(refused.code, 3, refused.stderr);
  assert.match(refused.stderr, /history_changed.*\n.*pgveil run --accept-source/);
  await trial.assertEqual();

  assert.equal((await run(['--accept-source'])).code, 0);
  const { rows } = await trial.twin.query('SELECT id::text, v FROM other UNION ALL SELECT id::text, note FROM person');
  assert.deepEqual(rows, [
    { id: '7', v: 'strange' },
    { id: '8', v: 'n' },
  ]);
  const generation = async () =>
    (await trial.twin.query('SELECT relation FROM pgveil.generation ORDER BY 1')).rows.map(({ relation }) => relation);
  const before = await generation();
  await strange.source.query(`INSERT INTO other VALUES (9, 'new')`);
  assert.equal((await run(['--accept-source'])).code, 0);
  assert.deepEqual(await generation(), before);
  assert.equal((await trial.twin.query('SELECT FROM other')).rowCount, 2);
  await strange.source.query(`SELECT pg_drop_replication_slot('${trial.slot}')`);
});

test('`check` says what an edited rule, an added table and another key would copy anew', async () => {
  await using trial = await servers.trial(SETUP, { 'public.person': tables['public.person']! });
  await (await trial.stream()).stop();
  const said = async () => {
    const { code, stdout } = await trial.command(['check', '--json']);
    const { findings } = JSON.parse(stdout) as { findings: { code: string; object: string; message: string }[] };
    return { code, findings };
  };
  assert.deepEqual(await said(), { code: 0, findings: [] });
  trial.tables = { ...tables, 'public.person': { columns: { id: 'keep', name: 'null', note: 'keep' } } };
  const changed = await said();
  assert.equal(changed.code, 0);
  assert.deepEqual(
    changed.findings.map(({ code, object }) => [code, object]),
    [
      ['rule_changed', 'public.person'],
      ['rule_changed', 'public.other'],
    ],
  );
  assert.match(changed.findings[0]!.message, /^this rule recopies public\.person \(\d+(\.\d+)? kB\)/);
  assert.match(
    changed.findings[1]!.message,
    /^public\.other was not copied yet, and a start copies it \(\d+(\.\d+)? kB\)/,
  );
  trial.key = randomBytes(32);
  const keyed = await said();
  assert.equal(keyed.code, 3);
  assert.deepEqual(
    keyed.findings.map(({ code }) => code),
    ['key_changed', 'rule_changed'],
  );
  assert.match(keyed.findings[0]!.message, /recopies all tables \(2: \d+(\.\d+)? kB\)/);
});

test('`check` finds that no slot is left for a copy beside the stream, and `run` runs all the same', async () => {
  await using trial = await servers.trial(SETUP, tables);
  const { rows } = await trial.source.query('SELECT count(*)::int AS taken FROM pg_replication_slots');
  const names = Array.from({ length: 12 - rows[0].taken - 1 }, (_, at) => `spare_${at}`);
  for (const name of names) {
    await trial.source.query(`SELECT pg_create_physical_replication_slot('${name}')`);
  }
  try {
    const { code, stdout } = await trial.command(['check', '--json']);
    assert.equal(code, 3);
    const { findings } = JSON.parse(stdout);
    assert.deepEqual(
      findings.map(({ code }: { code: string }) => code),
      ['no_spare_slot'],
    );
    await trial.catchUp();
    await trial.assertEqual();
  } finally {
    for (const name of names) await trial.source.query(`SELECT pg_drop_replication_slot('${name}')`);
  }
});
