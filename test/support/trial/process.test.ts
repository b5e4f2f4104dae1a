import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { connect } from 'node:net';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { until } from '../wait.ts';
import { PgveilProcess } from './process.ts';

const node = (script: string, options = {}) => new PgveilProcess(['--input-type=module', '--eval', script], options);

test('keeps both streams apart and together, and tells how the process ended', async () => {
  await using child = node(`console.log('out'); console.error('err'); process.exitCode = 3;`);
  assert.deepEqual(await child.exited, { code: 3, signal: null });
  assert.equal(child.stdout, 'out\n');
  assert.equal(child.stderr, 'err\n');
  assert.equal(child.output.length, 8);
});

test('passes the environment and the fault point on, and nothing of the test runner', async () => {
  const names = ['A', 'PGVEIL_FAULT', 'NODE_TEST_CONTEXT'].map((name) => `process.env.${name} ?? null`);
  await using child = node(`console.log(JSON.stringify([${names}]))`, { env: { A: '1' }, fault: 'chunk committed:2' });
  await child.exited;
  assert.deepEqual(JSON.parse(child.stdout), ['1', 'chunk committed:2', null]);
});

test('waits for output that comes in pieces', async () => {
  const script = `process.stdout.write('rea'); setTimeout(() => process.stdout.write('dy on 80\\n'), 20);`;
  await using child = node(`${script}; setInterval(() => {}, 1000);`);
  const [, port] = await child.waitForOutput(/ready on (\d+)\n/);
  assert.equal(port, '80');
  child.kill('SIGKILL');
  assert.deepEqual(await child.exited, { code: null, signal: 'SIGKILL' });
});

test('output that will not come any more is an error with all that was said', async () => {
  await using child = node(`console.error('no such table'); process.exitCode = 2;`);
  await assert.rejects(child.waitForOutput(/ready/), /ended \(exit 2\) without \/ready\/; it said\nno such table/);
});

function isListening(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('error', () => resolve(false));
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
  });
}

for (const signal of ['SIGINT', 'SIGKILL'] as const) {
  test(`a test that dies of ${signal} leaves neither server nor data behind`, async () => {
    const support = join(import.meta.dirname, '../postgres/postgres.ts');
    await using dying = node(`
      const { startPostgres } = await import(${JSON.stringify(support)});
      const server = await startPostgres({ own: true });
      console.log(JSON.stringify({ port: server.port, directory: server.dataDirectory }));
      setInterval(() => {}, 1000);`);
    const [line] = await dying.waitForOutput(/\{.*\}/);
    const { port, directory } = JSON.parse(line);
    assert.ok(existsSync(directory) && (await isListening(port)));
    dying.kill(signal);
    await until(() => !existsSync(dirname(directory)), { what: `${dirname(directory)} to be removed` });
    assert.equal(await isListening(port), false);
  });
}
