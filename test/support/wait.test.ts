import assert from 'node:assert/strict';
import { test } from 'node:test';
import { until } from './wait.ts';

test('returns what the condition gave once it holds', async () => {
  let looks = 0;
  const seen = await until(() => (++looks < 3 ? null : { looks }), { what: 'the third look', interval: 1 });
  assert.deepEqual(seen, { looks: 3 });
});

test('zero and the empty string are answers, not a reason to look again', async () => {
  assert.equal(await until(() => 0, { what: 'a zero', timeout: 50 }), 0);
  assert.equal(await until(() => '', { what: 'an empty string', timeout: 50 }), '');
});

test('says what it waited for, with what was seen last', async () => {
  let looks = 0;
  const waiting = until(() => ++looks < 0, { what: () => `row 10, saw ${looks > 0}`, timeout: 30, interval: 1 });
  await assert.rejects(waiting, { message: 'waited 30 ms in vain for row 10, saw true' });
});

test('a look that never comes back does not hang the test', async () => {
  const waiting = until(() => new Promise<boolean>(() => {}), { what: 'an answer', timeout: 30 });
  await assert.rejects(waiting, /in vain for an answer/);
});

test('an error of the condition is passed on at once', async () => {
  const started = performance.now();
  const waiting = until(() => Promise.reject(new Error('no such table')), { what: 'a row', timeout: 5_000 });
  await assert.rejects(waiting, { message: 'no such table' });
  assert.ok(performance.now() - started < 1_000);
});
