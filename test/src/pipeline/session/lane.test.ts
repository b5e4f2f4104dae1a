import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { RedactedBatch } from '../../../../src/core/batch.ts';
import type { Lsn } from '../../../../src/core/lsn.ts';
import type { Pace } from '../../../../src/core/sink.ts';
import { Lane } from '../../../../src/pipeline/session/lane.ts';
import { until } from '../../../support/wait.ts';
import { batchAt, MemorySink } from '../parts.ts';

const batch = (pos: Lsn | null, bytes = 1) =>
  ({ ...batchAt(pos, bytes), entries: new Map() }) as unknown as RedactedBatch;

const unheard = { written() {}, refused() {}, durable() {} };

test('what gathers while a write is under way is flushed together, at the last position', async () => {
  const sink = new MemorySink();
  const held = Promise.withResolvers<void>();
  sink.beforeWrite = () => held.promise;
  const lane = new Lane(sink, { limit: 1000, held: null }, unheard);
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
  const lane = new Lane(sink, { limit: 1000, held: null }, unheard);
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
  const lane = new Lane(sink, { limit: 10, held: null }, unheard);
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
  const lane = new Lane(sink, { limit: 1, held: null }, unheard);
  const done = lane.run();
  const pushed = lane.push(batch(1n, 5));
  await assert.rejects(done, /gone/);
  await pushed;
});

test('batches are written while a flush is under way, and the next flush waits for it', async () => {
  const sink = new MemorySink();
  const held = Promise.withResolvers<void>();
  const heard: Lsn[] = [];
  const lane = new Lane(
    sink,
    { limit: 1000, held: null },
    { written() {}, refused() {}, durable: ({ pos }) => heard.push(pos) },
  );
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
  const lane = new Lane(sink, { limit: 1000, held: null }, unheard);
  const done = lane.run();
  await lane.push(batch(1n));
  await assert.rejects(done, /the disk is full/);
});

/** Gathers until it is told otherwise. */
function gathering(changed: Partial<Pace> = {}): MemorySink {
  const sink = new MemorySink();
  sink.pace = { atRest: false, bytes: 1000, ms: 3_600_000, ...changed };
  return sink;
}

/** A lane of the sink, with the first batch durable already. */
async function started(sink: MemorySink) {
  const lane = new Lane(sink, { limit: 10_000, held: null }, unheard);
  const done = lane.run();
  await lane.push(batch(1n));
  await until(() => sink.flushed.length === 1, {
    what: 'the first flush, which shows that the sink can be written to',
  });
  return { lane, done };
}

test('a sink that gathers is flushed by what was written, at a commit', async () => {
  const sink = gathering({ bytes: 10 });
  const { lane, done } = await started(sink);
  await lane.push(batch(2n, 9));
  await lane.push(batch(null, 9));
  await until(() => sink.written.length === 3, { what: 'all to be written' });
  assert.deepEqual(sink.flushed, [1n]);
  await lane.push(batch(3n));
  await until(() => sink.flushed.length === 2, { what: 'the flush at the commit' });
  assert.deepEqual(sink.flushed, [1n, 3n]);
  lane.end();
  await done;
});

test('a sink that gathers is flushed when what it has is old enough, also when nothing more comes', async () => {
  const sink = gathering({ ms: 20 });
  const { lane, done } = await started(sink);
  await lane.push(batch(2n));
  await until(() => sink.flushed.length === 2, { what: 'the flush' });
  lane.end();
  await done;
  assert.deepEqual(sink.flushed, [1n, 2n]);
});

test('a sink that gathers is flushed at the end, and for whoever waits', async () => {
  const sink = gathering();
  const { lane, done } = await started(sink);
  await lane.push(batch(2n));
  lane.hurry();
  await until(() => sink.flushed.length === 2, { what: 'the flush that was waited for' });
  await lane.push(batch(3n));
  await until(() => sink.written.length === 3, { what: 'all to be written' });
  assert.deepEqual(sink.flushed, [1n, 2n]);
  lane.end();
  await done;
  assert.deepEqual(sink.flushed, [1n, 2n, 3n]);
});

test('whoever waits inside a transaction waits until its commit', async () => {
  const sink = gathering();
  const { lane, done } = await started(sink);
  await lane.push(batch(2n));
  await lane.push(batch(null));
  lane.hurry();
  await until(() => sink.written.length === 3, { what: 'the part to be written' });
  await nextTurn();
  assert.deepEqual(sink.flushed, [1n]);
  await lane.push(batch(3n));
  await until(() => sink.flushed.length === 2, { what: 'the flush at the commit' });
  assert.deepEqual(sink.flushed, [1n, 3n]);
  lane.end();
  await done;
});

test('a sink that is further on than the reading gets no change twice, and its position never moves back', async () => {
  const sink = new MemorySink();
  const lane = new Lane(sink, { limit: 1000, held: 5n }, unheard);
  const done = lane.run();
  const changes = [3n, 4n, 5n, 6n].map((clsn) => ({ transaction: { clsn } }));
  await lane.push(batch(4n));
  await lane.push({ ...batch(7n), changes } as unknown as RedactedBatch);
  await lane.push({ ...batch(8n), changes } as unknown as RedactedBatch);
  lane.end();
  await done;
  const taken = sink.written.map((one) => one.changes.map(({ transaction }) => transaction.clsn));
  assert.deepEqual(taken.slice(0, 2), [[], [5n, 6n]]);
  assert.ok(
    sink.flushed.every((pos) => pos >= 5n),
    String(sink.flushed),
  );
});

test('reads of a copy are whole whatever the sink holds', async () => {
  const sink = new MemorySink();
  const lane = new Lane(sink, { limit: 1000, held: 5n }, unheard);
  const done = lane.run();
  const read = { ...batch(null), chunk: {}, changes: [{ transaction: { clsn: 4n } }] } as unknown as RedactedBatch;
  await lane.push(read);
  lane.end();
  await done;
  assert.deepEqual(sink.written, [read]);
});

test('a lane that was left writes nothing more, and tells nobody what the sink says', async () => {
  const sink = new MemorySink();
  const held = Promise.withResolvers<void>();
  const heard: string[] = [];
  const listener = { written: () => heard.push('written'), refused() {}, durable: () => heard.push('durable') };
  const lane = new Lane(sink, { limit: 1000, held: null }, listener as never);
  const done = lane.run();
  await lane.push(batch(1n));
  await until(async () => sink.flushed.length === 1, { what: 'the first to be durable' });
  let isWriting = false;
  sink.beforeWrite = () => {
    isWriting = true;
    return held.promise;
  };
  for (const pos of [2n, 3n]) await lane.push(batch(pos));
  await until(async () => isWriting, { what: 'the second to be written' });
  lane.leave();
  held.resolve();
  await done;
  assert.deepEqual([sink.written.length, sink.flushed, heard], [2, [1n], ['written', 'durable']]);
});
