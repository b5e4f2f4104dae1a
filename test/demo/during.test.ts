import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { during } from '../../demo/during.ts';

const never = new AbortController().signal;
const untilEnded = async (signal: AbortSignal) => void (await once(signal, 'abort'));

test('what goes on in the background ends with the task', async () => {
  let ended = 0;
  const background = async (signal: AbortSignal) => {
    await untilEnded(signal);
    ended++;
  };
  assert.equal(await during([background, background], never, async () => 'done'), 'done');
  assert.equal(ended, 2);
});

test('a failure in the background ends the task, and is what is told', async () => {
  const fails = async () => {
    throw new Error('the server is gone');
  };
  const task = async (signal: AbortSignal) => {
    if (!signal.aborted) await untilEnded(signal);
    signal.throwIfAborted();
  };
  await assert.rejects(during([untilEnded, fails], never, task), /the server is gone/);
});

test('a failure of the task ends the background', async () => {
  const task = async () => {
    throw new Error('no such table');
  };
  await assert.rejects(during([untilEnded], never, task), /no such table/);
});

test('the signal from outside reaches both', async () => {
  const stop = new AbortController();
  const going = during([untilEnded], stop.signal, untilEnded);
  stop.abort();
  await going;
});
