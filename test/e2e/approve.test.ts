import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { canary } from '../support/judge/canary.ts';
import type { Tables } from '../support/judge/decisions.ts';
import { Servers } from '../support/trial/servers.ts';
import type { Service } from '../support/trial/service.ts';
import type { Trial } from '../support/trial/trial.ts';
import { until } from '../support/wait.ts';

const servers = await Servers.start({ twinSettings: { wal_keep_size: '2GB' } });
after(() => servers[Symbol.asyncDispose]());

/** Stands under names with a rule and, between a swap and its approval, under names without: it must not leave. */
const ssn = canary('a social security number');

const SETUP = `
  CREATE TABLE person (id integer PRIMARY KEY, ssn text, note text);
  INSERT INTO person SELECT i, '${ssn.value} ' || i, '${ssn.value} ' || i FROM generate_series(1, 500) i;
  CREATE TABLE staff (id integer PRIMARY KEY, ssn text, note text);
  INSERT INTO staff SELECT i, '${ssn.value} ' || i, 'staff ' || i FROM generate_series(1, 100) i;
  CREATE TABLE other (id integer PRIMARY KEY, v text);
  INSERT INTO other VALUES (1, 'a')`;

/** Neither name is kept: wherever a number stands, it may not leave as it is. */
const tables: Tables = {
  'public.person': { columns: { id: 'keep', ssn: 'hash', note: { mask: { last: 2 } } } },
  'public.staff': { columns: { id: 'keep', ssn: 'hash', note: { mask: { last: 1 } } } },
  'public.other': { columns: { id: 'keep', v: 'keep' } },
};

const SWAP = `ALTER TABLE person RENAME ssn TO between; ALTER TABLE person RENAME note TO ssn;
  ALTER TABLE person RENAME between TO note`;
const RENAME_INTO_PLACE =
  'ALTER TABLE person DROP note; ALTER TABLE person RENAME ssn TO note; ALTER TABLE person ADD ssn text';
const SWAP_TABLES = `ALTER TABLE person RENAME TO between; ALTER TABLE staff RENAME TO person;
  ALTER TABLE between RENAME TO staff`;

/** `TABLE@HASH`, as the halt of the table shows it. */
async function shown(service: Service, table: string): Promise<string> {
  const find = async () => {
    const { halt } = (await service.status()).tables[table]!;
    const definition = /[^' ]+@[0-9a-f]{16}/.exec(halt?.fix ?? '')?.[0];
    assert.ok(!definition || halt!.message.includes(definition));
    return definition ?? null;
  };
  return await until(find, { what: () => `the halt of ${table} to show its definition; ${service.lastWords()}` });
}

/** All is as it would be had the names always been these. */
async function assertWhole(trial: Trial, service: Service): Promise<void> {
  await service.isReady();
  await trial.source.query(`UPDATE person SET id = id + 10000; UPDATE staff SET id = id + 10000`);
  await trial.holdsAll(service);
  await trial.assertEqual();
  await trial.assertSilent([ssn], service);
}

for (const [what, ddl] of Object.entries({
  'a swap of two columns': SWAP,
  'a column renamed into place': RENAME_INTO_PLACE,
})) {
  test(`${what}: nothing leaves until this very definition is approved, and then all of it by its new names`, async () => {
    await using trial = await servers.trial(SETUP, tables);
    const service = await trial.stream();
    await trial.source.query(`BEGIN; ${ddl}; UPDATE person SET id = -id; COMMIT`);
    await service.halts('public.person', 'names_moved');
    const { message } = (await service.status()).tables['public.person']!.halt!;
    assert.match(message, /the column ssn is now called note/);
    const definition = await shown(service, 'public.person');

    const guess = await trial.command(['approve', 'public.person@0123456789abcdef', '--json']);
    assert.equal(guess.code, 3, guess.stderr);
    const { error } = JSON.parse(guess.stderr);
    assert.equal(error.code, 'approve_refused');
    assert.ok(error.message.includes(definition) && error.fix.includes(definition));
    assert.equal((await service.status()).tables['public.person']?.state, 'halted');

    const approved = await trial.command(['approve', definition, '--json']);
    assert.equal(approved.code, 0, approved.stderr);
    assert.deepEqual(JSON.parse(approved.stdout), { approved: [definition] });
    await service.copiesAnew('public.person', 1);
    await assertWhole(trial, service);
    assert.equal((await trial.command(['approve', definition])).code, 3, 'there is nothing left to approve');
    await service.stop();
    await trial.catchUp();
    await trial.assertEqual();
  });
}

test('two tables that swapped names: each is approved on its own', async () => {
  await using trial = await servers.trial(SETUP, tables);
  const service = await trial.stream();
  await trial.source.query(`BEGIN; ${SWAP_TABLES}; UPDATE person SET id = -id; UPDATE staff SET id = -id; COMMIT`);
  for (const table of ['public.person', 'public.staff']) await service.halts(table, 'names_moved');
  assert.equal((await trial.command(['approve', await shown(service, 'public.person')])).code, 0);
  await service.copiesAnew('public.person', 1);
  await trial.holdsAll(service);
  assert.equal((await service.status()).tables['public.staff']?.halt?.code, 'names_moved');
  await trial.assertEqual({ 'public.person': tables['public.person']!, 'public.other': tables['public.other']! });

  // Over a restart as well, though no entry of either has its first oid any more.
  await service.stop();
  const again = await trial.run();
  await again.halts('public.staff', 'names_moved');
  assert.equal((await trial.command(['approve', await shown(again, 'public.staff')])).code, 0);
  await again.copiesAnew('public.staff', 1);
  await assertWhole(trial, again);
});

describe('what changes again between the approval and the copy', () => {
  const AGAIN = {
    'names that move back and another way': `ALTER TABLE person RENAME note TO between; ALTER TABLE person RENAME id TO note;
      ALTER TABLE person RENAME between TO id`,
    'a column more': 'ALTER TABLE person ADD more text',
  };
  /** The service is down, and the columns have swapped names: the definition that a person would approve. */
  async function swapped(trial: Trial): Promise<string> {
    await (await trial.stream()).stop();
    await trial.source.query(`BEGIN; ${SWAP}; UPDATE person SET id = -id; COMMIT`);
    const { stdout } = await trial.command(['check']);
    return /public\.person@[0-9a-f]{16}/.exec(stdout)![0];
  }

  async function assertHalted(trial: Trial, service: Service, approved: string): Promise<void> {
    await service.halts('public.person', 'names_moved');
    assert.notEqual(await shown(service, 'public.person'), approved);
    assert.equal((await trial.command(['approve', approved])).code, 3);
    await trial.source.query(`UPDATE other SET v = 'still here'`);
    await trial.holdsAll(service);
    await trial.assertEqual({ 'public.other': tables['public.other']! });
    await trial.assertSilent([ssn], service);
  }

  for (const [what, ddl] of Object.entries(AGAIN)) {
    test(`${what}: halted again, with another hash`, async () => {
      await using trial = await servers.trial(SETUP, tables);
      const approved = await swapped(trial);
      await trial.source.query(ddl);
      await assertHalted(trial, await trial.run({ args: ['--approve', approved] }), approved);
    });
  }

  test('names that move while the copy begins: halted again, with another hash', async () => {
    await using trial = await servers.trial(SETUP, tables);
    const approved = await swapped(trial);
    const service = await trial.run({ fault: 'temporary slot created:1:SIGSTOP', args: ['--approve', approved] });
    await service.holds();
    await trial.source.query(AGAIN['names that move back and another way']);
    service.process.kill('SIGCONT');
    await assertHalted(trial, service, approved);
  });
});

test('`run --approve` is done once: the same names moved to and fro have to be approved anew', async () => {
  await using trial = await servers.trial(SETUP, tables);
  await (await trial.stream()).stop();
  await trial.source.query(`BEGIN; ${SWAP_TABLES}; ${SWAP}; COMMIT; UPDATE staff SET id = -id`);
  const halted = await trial.run();
  const definitions = [await shown(halted, 'public.person'), await shown(halted, 'public.staff')];
  await halted.stop();
  const flags = definitions.flatMap((definition) => ['--approve', definition]);
  const service = await trial.run({ args: flags });
  for (const table of ['public.person', 'public.staff']) await service.copiesAnew(table, 1);
  await assertWhole(trial, service);
  await service.stop();

  const idle = await trial.run({ args: flags });
  await idle.isReady();
  const generations = (await idle.status()).tables;
  assert.deepEqual(
    ['public.person', 'public.staff'].map((table) => generations[table]?.generation),
    [2, 2],
  );
  await trial.source.query(`BEGIN; ${SWAP_TABLES}; COMMIT`);
  for (const table of ['public.person', 'public.staff']) await idle.halts(table, 'names_moved');
  assert.ok(!flags.includes(await shown(idle, 'public.person')));
  await idle.stop();
  const once = await trial.run({ args: flags });
  await once.halts('public.person', 'names_moved');
  await trial.assertSilent([ssn], once);
});

test('kill -9 right after the answer: the approval is not forgotten', async () => {
  await using trial = await servers.trial(SETUP, tables, { others: { recopy: { auto_below: '1kB' } } });
  const service = await trial.stream();
  await trial.source.query(`ANALYZE; BEGIN; ${SWAP}; UPDATE person SET id = -id; COMMIT`);
  const definition = await shown(service, 'public.person');
  assert.equal((await trial.command(['approve', definition])).code, 0);
  await service.kill();
  const again = await trial.run();
  await again.copiesAnew('public.person', 1);
  await assertWhole(trial, again);
});

test('after all of this no file and no log of the twin holds a number', async () => {
  await servers.assertNoLeak([ssn]);
});
