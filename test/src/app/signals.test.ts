import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PgveilProcess } from '../../support/trial/process.ts';
import { until } from '../../support/wait.ts';

/** A process that was asked to end and cannot. */
const BUSY = `
  import { Signals } from './src/app/signals.ts';
  const { signal } = new Signals(0);
  signal.addEventListener('abort', () => console.log('asked to end'));
  setInterval(() => {}, 1000);
  console.log('at work');`;

for (const [first, second] of [
  ['SIGTERM', 'SIGTERM'],
  ['SIGTERM', 'SIGINT'],
  ['SIGINT', 'SIGINT'],
] as const) {
  test(`${second} after ${first} ends a process at once that has not got ready to end`, async () => {
    await using busy = new PgveilProcess(['--input-type=module', '--eval', BUSY], {});
    await busy.waitForOutput(/at work/);
    busy.kill(first);
    await busy.waitForOutput(/asked to end/);
    busy.kill(second);
    // Alone it would have until the deadline, of nine seconds.
    const ended = await until(() => busy.exited, { what: 'the process to end', timeout: 5_000 });
    assert.deepEqual(ended, { code: 1, signal: null });
  });
}
