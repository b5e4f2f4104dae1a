import assert from 'node:assert/strict';
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { askControl, Control, controlPath, type Request } from '../../../src/app/control.ts';
import type { Observation } from '../../../src/core/observer.ts';
import { until } from '../../support/wait.ts';

let directory: string;
before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'pgveil-control-'));
});
after(() => rm(directory, { recursive: true }));

/** A running process's end, what it was asked, and what it said. */
function open(path: string) {
  const asked: Request[] = [];
  const told: Observation[] = [];
  const control = new Control(
    path,
    Promise.resolve(),
    (request) => asked.push(request),
    (one) => told.push(one),
  );
  return { asked, told, control };
}

const exists = (path: string) => stat(path).catch(() => null);

test('what is asked arrives, and nobody but this user may open the socket', async () => {
  const path = join(directory, 'a.sock');
  const { asked, control } = open(path);
  const found = await until(() => exists(path), { what: 'the socket' });
  assert.equal(found.mode & 0o777, 0o600);
  await askControl(path, { recopy: ['public.t'] });
  assert.deepEqual(asked, [{ recopy: ['public.t'] }]);
  control[Symbol.dispose]();
  await assert.rejects(askControl(path, { recopy: [] }), { code: 'not_running' });
});

test('a socket that a killed process left is taken over, what somebody else has there is not', async () => {
  const dead = join(directory, 'dead.sock');
  const server = createServer().listen(dead);
  await until(() => exists(dead), { what: 'the socket' });
  // Closing it would take the file along.
  server.on('close', () => {});
  const alive = open(dead);
  await until(() => alive.told.length > 0, { what: 'the second one to be refused' });
  server.close();

  const file = join(directory, 'file');
  await writeFile(file, 'kept');
  const refused = open(file);
  await until(() => refused.told.length > 0, { what: 'a file to be refused' });
  assert.ok(await exists(file));
});

test('by default it lies where the user’s own sockets are, under the pipeline’s name', () => {
  assert.match(controlPath({ control: null, name: 'shop' }), /pgveil-\d+-shop\.sock$/);
  assert.equal(controlPath({ control: '/run/x.sock', name: 'shop' }), '/run/x.sock');
});
