import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RedactedBatch } from '../../../src/core/batch.ts';
import type { Lsn } from '../../../src/core/lsn.ts';
import { Lane } from '../../../src/pipeline/lane.ts';
import { until } from '../../support/wait.ts';
import { batchAt, MemorySink } from './parts.ts';

const batch = (pos: Lsn | null, bytes = 1) =>
  ({ ...batchAt(pos, bytes), entries: new Map() }) as unknown as RedactedBatch;

const unheard = { written() {}, refused() {}, durable() {} };

test('what gathers while a write is under way is flushed together, at the last position', async () => {
  const sink = new MemorySink();
  const held = Promise.withResolvers<void>();
  sink.beforeWrite = () => held.promise;
  const lane = new Lane(sink, 1000, unheard);
  const done = lane.run();
  for (const pos of [1n, 2n, 3n]) await lane.push(batch(pos));
  held.resolve();
  lane.end();
  await done;
  assert.equal(sink.written.length, 3);
  assert.deepEqual(sink.flushed, [3n]);
});

test('nothing is flushed inside a transaction', async () => {
  const sink = new MemorySink();
  const lane = new Lane(sink, 1000, unheard);
  const done = lane.run();
  await lane.push(batch(1n));
  await lane.push(batch(null));
  await lane.push(batch(null));
  lane.end();
  await done;
  assert.deepEqual(sink.flushed, [1n]);
});

test('a full queue makes the reader wait until there is room', async () => {
  const sink = new MemorySink();
  let release = Promise.withResolvers<void>();
  sink.beforeWrite = () => release.promise;
  const lane = new Lane(sink, 10, unheard);
  const done = lane.run();
  await lane.push(batch(1n, 6));
  let through = false;
  const second = lane.push(batch(2n, 6)).then(() => {
    through = true;
  });
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(through, false);
  const first = release;
  release = Promise.withResolvers();
  release.resolve();
  first.resolve();
  await second;
  lane.end();
  await done;
  assert.deepEqual(sink.flushed.at(-1), 2n);
});

test('a sink that fails lets go of whoever waits for room', async () => {
  const sink = new MemorySink();
  sink.beforeWrite = () => Promise.reject(new Error('gone'));
  const lane = new Lane(sink, 1, unheard);
  const done = lane.run();
  const pushed = lane.push(batch(1n, 5));
  await assert.rejects(done, /gone/);
  await pushed;
});

test('batches are written while a flush is under way, and the next flush waits for it', async () => {
  const sink = new MemorySink();
  const held = Promise.withResolvers<void>();
  const heard: Lsn[] = [];
  const lane = new Lane(sink, 1000, { written() {}, refused() {}, durable: ({ pos }) => heard.push(pos) });
  const done = lane.run();
  let flushes = 0;
  sink.beforeFlush = () => {
    flushes++;
    return held.promise;
  };
  await lane.push(batch(1n));
  await until(() => flushes === 1, { what: 'the first flush' });
  await lane.push(batch(2n));
  await until(() => sink.written.length === 2, { what: 'the second batch to be written' });
  assert.deepEqual([flushes, sink.flushed, heard], [1, [], []]);
  held.resolve();
  lane.end();
  await done;
  assert.deepEqual(
    [sink.flushed, heard],
    [
      [1n, 2n],
      [1n, 2n],
    ],
  );
});

test('a flush that fails ends the lane, also while it waits for a batch', async () => {
  const sink = new MemorySink();
  sink.beforeFlush = () => Promise.reject(new Error('the disk is full'));
  const lane = new Lane(sink, 1000, unheard);
  const done = lane.run();
  await lane.push(batch(1n));
  await assert.rejects(done, /the disk is full/);
});
