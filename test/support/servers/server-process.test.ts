import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { startPostgres } from '../postgres/postgres.ts';
import { PgveilProcess } from '../trial/process.ts';
import { until } from '../wait.ts';
import { type ServerOptions, ServerProcess } from './server-process.ts';

let home: string;
before(async () => {
  home = await mkdtemp(join(tmpdir(), 'pgveil-server-'));
});
after(() => rm(home, { recursive: true }));

const options = (script: string): ServerOptions => ({
  name: 'the server',
  command: ['/bin/sh', '-c', script],
  cwd: home,
  log: join(home, 'server.log'),
  reap: { command: 'kill -KILL "$1"' },
});

test('that one ended unasked is told, and what it wrote last', async () => {
  const server = new ServerProcess(options('echo the last word; exec sleep 600'));
  process.kill(server.pid, 'SIGKILL');
  await until(() => !server.isRunning, { what: 'its end' });
  assert.match(server.lost!, /the server ended \(SIGKILL\), and no test asked it to; its log ends with\n/);
  const other = new ServerProcess(options('echo the last word; exit 3'));
  await until(() => !other.isRunning, { what: 'its end' });
  assert.match(other.lost!, /\(exit 3\).*the last word/s);
});

test('one that was asked to end is not lost', async () => {
  const server = new ServerProcess(options('exec sleep 600'));
  await server.end('SIGTERM');
  assert.deepEqual([server.isRunning, server.lost], [false, null]);
});

test('a signal to those who run the tests does not reach it', async () => {
  const server = new ServerProcess(options('exec sleep 600'));
  assert.ok(process.kill(-server.pid, 0)); // a group of its own
  await server.end('SIGKILL');
});

test('whoever connects to a Postgres that is gone hears why', async () => {
  await using server = await startPostgres({ own: true });
  process.kill(server.pid, 'SIGQUIT');
  const ended = async () => (await server.query('SELECT 1').catch((error: Error) => error.message)) as string;
  await until(async () => /and no test asked it to.*received immediate shutdown request/s.test(await ended()), {
    what: 'its last words',
  });
});

test('a process that has ended is not killed once more, when its pid may be another’s', async () => {
  const [wrong, right] = [join(home, 'wrong'), join(home, 'right')];
  const here = (file: string) => JSON.stringify(join(import.meta.dirname, file));
  await using dying = new PgveilProcess(
    [
      '--input-type=module',
      '--eval',
      `const { ServerProcess } = await import(${here('server-process.ts')});
       const { reaper } = await import(${here('reaper.ts')});
       const { until } = await import(${here('../wait.ts')});
       const reap = { command: 'touch "$2"', parameters: [${JSON.stringify(wrong)}] };
       const server = new ServerProcess({ ...${JSON.stringify(options('exit 0'))}, reap });
       await until(() => !server.isRunning, { what: 'its end' });
       reaper('touch "$1"', ${JSON.stringify(right)});`,
    ],
    {},
  );
  await dying.exited;
  await until(() => existsSync(right), { what: 'the reaper of what was still there' });
  assert.equal(existsSync(wrong), false);
});
