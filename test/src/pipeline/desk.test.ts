import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PgveilError } from '../../../src/core/errors.ts';
import { type Clerk, type Command, Desk, interrupted } from '../../../src/pipeline/desk.ts';

const COMMAND: Command = { recopy: ['public.t'], approve: [{ table: 'public.u', hash: 'h' }] };

/** Notes what it is asked for, and fails with `error`. */
function clerk(error: PgveilError | null = null): Clerk & { readonly taken: Command[] } {
  const taken: Command[] = [];
  const take = async (command: Command) => {
    taken.push(command);
    if (error) throw error;
  };
  return { taken, take, approval: () => assert.fail('nobody asked') };
}

test('a sink that reads by itself is asked for the same copies, and for no approval', async () => {
  const [desk, main, own] = [new Desk(), clerk(), clerk()];
  desk.open(main);
  desk.beside().open(own);
  await desk.clerk.take(COMMAND);
  assert.deepEqual([main.taken, own.taken], [[COMMAND], [{ ...COMMAND, approve: [] }]]);
});

test('that its session ends meanwhile takes nothing back of what the others recorded: it hears of it from them', async () => {
  const desk = new Desk();
  desk.open(clerk());
  desk.beside().open(clerk(interrupted()));
  await desk.clerk.take(COMMAND);
});

test('that the session of the others ends meanwhile is told, and so is any other failure of a sink by itself', async () => {
  const desk = new Desk();
  desk.open(clerk(interrupted()));
  await assert.rejects(desk.clerk.take(COMMAND), { code: 'interrupted' });
  desk.open(clerk());
  desk.beside().open(clerk(new PgveilError('source_failed', 'no')));
  await assert.rejects(desk.clerk.take(COMMAND), { code: 'source_failed' });
});
