import assert from 'node:assert/strict';
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { askApproval, askControl, Control, controlPath } from '../../../src/app/control.ts';
import { PgveilError } from '../../../src/core/errors.ts';
import type { Observation } from '../../../src/core/observer.ts';
import { type Command, Desk } from '../../../src/pipeline/desk.ts';
import { until } from '../../support/wait.ts';

let directory: string;
before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'pgveil-control-'));
});
after(() => rm(directory, { recursive: true }));

/** A running process's end, what it was asked, and what it said. */
function open(path: string, refuse: () => PgveilError | null = () => null) {
  const asked: Command[] = [];
  const told: Observation[] = [];
  const desk = new Desk();
  desk.open({
    async take(command) {
      const refusal = refuse();
      if (refusal) throw refusal;
      asked.push(command);
    },
    approval: async (table) => ({ hash: 'abc', moved: `in ${table}` }),
  });
  const tables = new Map([['public.t', null]]);
  const control = new Control(path, Promise.resolve(), desk, tables, (one) => told.push(one));
  return { asked, told, control, desk };
}

const exists = (path: string) => stat(path).catch(() => null);

test('what is asked arrives, and nobody but this user may open the socket', async () => {
  const path = join(directory, 'a.sock');
  const { asked, control } = open(path);
  const found = await until(() => exists(path), { what: 'the socket' });
  assert.equal(found.mode & 0o777, 0o600);
  await askControl(path, { recopy: ['public.t'], approve: [] });
  assert.deepEqual(asked, [{ recopy: ['public.t'], approve: [] }]);
  await assert.rejects(askControl(path, { recopy: ['public.unknown'], approve: [] }), { code: 'command_line' });
  assert.deepEqual(await askApproval(path, 'public.t'), { hash: 'abc', moved: 'in public.t' });
  control[Symbol.dispose]();
});

test('without a process the answer is how to start one that does the same', async () => {
  const nowhere = join(directory, 'nowhere.sock');
  const command = { recopy: ['public."Order Items"'], approve: [{ table: 'public.t', hash: 'abc' }] };
  await assert.rejects(askControl(nowhere, command), {
    code: 'not_running',
    fix: `Start it with the same request: pgveil run --recopy 'public."Order Items"' --approve 'public.t@abc'`,
  });
  await assert.rejects(askApproval(nowhere, 'public.t'), { code: 'not_running', fix: /--approve 'public\.t@HASH'$/ });
});

test('a refusal comes with its code and fix, and so does a process that has nothing open at the moment', async () => {
  const path = join(directory, 'refusing.sock');
  const refusal = new PgveilError('approve_refused', 'it is another one', { fix: 'that one' });
  const { desk, control } = open(path, () => refusal);
  await until(() => exists(path), { what: 'the socket' });
  const command = { recopy: [], approve: [{ table: 'public.t', hash: 'old' }] };
  await assert.rejects(askControl(path, command), {
    code: 'approve_refused',
    message: refusal.message,
    fix: 'that one',
  });
  desk.close();
  await assert.rejects(askControl(path, command), { code: 'interrupted' });
  control[Symbol.dispose]();
});

test('a socket that a killed process left is taken over, what somebody else has there not before it is free', async () => {
  const dead = join(directory, 'dead.sock');
  const server = createServer().listen(dead);
  await until(() => exists(dead), { what: 'the socket' });
  // Closing it would take the file along.
  server.on('close', () => {});
  const alive = open(dead);
  await until(() => alive.told.length > 0, { what: 'the second one to be refused' });
  server.close();
  const isTaken = () =>
    askControl(dead, { recopy: ['public.t'], approve: [] }).then(
      () => true,
      () => false,
    );
  await until(isTaken, { what: 'the socket to be taken over' });
  assert.equal(alive.told.length, 1);
  alive.control[Symbol.dispose]();

  const file = join(directory, 'file');
  await writeFile(file, 'kept');
  const refused = open(file);
  await until(() => refused.told.length > 0, { what: 'a file to be refused' });
  assert.ok(await exists(file));
  refused.control[Symbol.dispose]();
});

test('by default it lies where the user’s own sockets are, under the pipeline’s name', () => {
  assert.match(controlPath({ control: null, name: 'shop' }), /pgveil-\d+-shop\.sock$/);
  assert.equal(controlPath({ control: '/run/x.sock', name: 'shop' }), '/run/x.sock');
});
