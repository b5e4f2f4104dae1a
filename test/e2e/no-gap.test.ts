import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { plainTables } from '../support/trial/plain.ts';
import { Servers } from '../support/trial/servers.ts';
import type { Trial } from '../support/trial/trial.ts';

// A table that stopped, and whose reason is gone when the process looks again: only its entry tells that changes were left out.

const servers = await Servers.start();
after(() => servers[Symbol.asyncDispose]());

const NAMES = ['renamed', 'keyless', 'asked', 'left_out', 'other'] as const;
const { tables: TABLES, setup: SETUP } = plainTables(NAMES);

/** Rows of every kind of change, which differ from those of any other number. */
async function write({ source }: Trial, name: string, number: number): Promise<void> {
  await source.query(`UPDATE ${name} SET v = 'changed ${number}' WHERE id = 10 + ${number};
    DELETE FROM ${name} WHERE id = 30 + ${number}; INSERT INTO ${name} VALUES (100 + ${number}, 'new')`);
}

async function writeAll(trial: Trial, number: number, names: readonly string[] = NAMES): Promise<void> {
  for (const name of names) await write(trial, name, number);
}

/** The generations of the tables, once they stream and everything is durable; they are equal then. */
async function endsEqual(trial: Trial): Promise<Record<string, number>> {
  const service = await trial.stream();
  const { tables } = await trial.holdsAll(service);
  await trial.assertEqual();
  await service.kill();
  return Object.fromEntries(Object.entries(tables).map(([name, { generation }]) => [name, generation]));
}

test('a halt whose cause goes away while the process is down', async () => {
  await using trial = await servers.trial(SETUP, TABLES);
  const service = await trial.stream();
  await trial.source.query('ALTER TABLE renamed RENAME TO elsewhere; ALTER TABLE keyless DROP CONSTRAINT keyless_pkey');
  await service.halts('public.renamed', 'table_missing');
  await service.halts('public.keyless', 'no_key');
  await writeAll(trial, 1, ['elsewhere', 'other']);
  await trial.source.query(`INSERT INTO keyless VALUES (500, 'without a key')`);
  await trial.holdsAll(service);
  await service.kill();
  await trial.source.query('ALTER TABLE elsewhere RENAME TO renamed; ALTER TABLE keyless ADD PRIMARY KEY (id)');
  await writeAll(trial, 2);
  const generations = await endsEqual(trial);
  assert.deepEqual(
    [generations['public.renamed'], generations['public.keyless'], generations['public.other']],
    [2, 2, 1],
  );
});

test('kill -9 right after the answer to `pgveil recopy`', async () => {
  await using trial = await servers.trial(SETUP, TABLES);
  const service = await trial.stream();
  assert.equal((await trial.command(['recopy', 'public.asked'])).code, 0);
  await service.kill();
  await writeAll(trial, 1);
  const generations = await endsEqual(trial);
  assert.deepEqual([generations['public.asked']! > 1, generations['public.other']], [true, 1]);
});

test('a table taken out of the configuration and, after writes, put back', async () => {
  await using trial = await servers.trial(SETUP, TABLES);
  await (await trial.stream()).kill();
  const { 'public.left_out': _, ...others } = TABLES;
  trial.tables = others;
  await writeAll(trial, 1);
  await endsEqual(trial);
  await writeAll(trial, 2);
  trial.tables = TABLES;
  await writeAll(trial, 3);
  const generations = await endsEqual(trial);
  assert.deepEqual([generations['public.left_out'], generations['public.other']], [2, 1]);
});
