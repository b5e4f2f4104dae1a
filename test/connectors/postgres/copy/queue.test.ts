import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BatchQueue } from '../../../../connectors/postgres/copy/queue.ts';
import { Turn } from '../../../../connectors/postgres/turn.ts';
import type { RawBatch } from '../../../../src/core/batch.ts';

const batch = (bytes: number): RawBatch => ({
  events: [],
  changes: [],
  chunk: null,
  position: null,
  progress: { clsn: 0n, seq: 0 },
  bytes,
});

/** Whether a promise is settled once everything that can happen by itself has happened. */
async function isSettled(promise: Promise<unknown>): Promise<boolean> {
  let settled = false;
  promise.then(
    () => (settled = true),
    () => (settled = true),
  );
  await new Promise((resolve) => setImmediate(resolve));
  return settled;
}

test('it takes what fits, makes the rest wait, and hands out in the order of the pushes', async () => {
  const queue = new BatchQueue(10);
  const batches = [batch(6), batch(4), batch(1)];
  await queue.push(batches[0]!);
  await queue.push(batches[1]!);
  const third = queue.push(batches[2]!);
  assert.equal(await isSettled(third), false);
  const reader = queue[Symbol.asyncIterator]();
  assert.equal((await reader.next()).value, batches[0]);
  await third;
  assert.equal((await reader.next()).value, batches[1]);
  assert.equal((await reader.next()).value, batches[2]);
});

test('a batch larger than the queue passes alone, and events never wait', async () => {
  const queue = new BatchQueue(10);
  await queue.push(batch(1000));
  await queue.push(batch(0));
  assert.equal(await isSettled(queue.push(batch(1))), false);
});

test('a push that waits ends when its signal aborts, and its batch never comes', async () => {
  const queue = new BatchQueue(1);
  await queue.push(batch(1));
  const abort = new AbortController();
  const waiting = queue.push(batch(7), abort.signal);
  abort.abort();
  await waiting;
  queue.end();
  const sizes: number[] = [];
  for await (const { bytes } of queue) sizes.push(bytes);
  assert.deepEqual(sizes, [1]);
});

test('an end lets what is queued through, a cut drops it and says why', async () => {
  const ended = new BatchQueue(10);
  await ended.push(batch(1));
  ended.end();
  await ended.push(batch(2));
  const seen: RawBatch[] = [];
  for await (const one of ended) seen.push(one);
  assert.equal(seen.length, 1);
  const cut = new BatchQueue(10);
  await cut.push(batch(1));
  const why = new Error('away');
  cut.cut(why);
  cut.cut(new Error('what came of it'));
  await assert.rejects(cut[Symbol.asyncIterator]().next(), why);
  const quiet = new BatchQueue(10);
  await quiet.push(batch(1));
  quiet.cut(null);
  assert.equal((await quiet[Symbol.asyncIterator]().next()).done, true);
});

test('turns come one at a time in the order of asking; who gives up stands in nobody’s way', async () => {
  const turn = new Turn();
  const { signal } = new AbortController();
  const abort = new AbortController();
  const end = await turn.take(signal);
  const second = turn.take(abort.signal);
  const third = turn.take(signal);
  assert.equal(await isSettled(second), false);
  abort.abort();
  await second;
  assert.equal(await isSettled(third), false, 'the first is not over');
  end();
  (await third)();
  (await turn.take(signal))();
});
