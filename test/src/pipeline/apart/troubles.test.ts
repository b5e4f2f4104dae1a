// What goes wrong while something else is going wrong.
import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { test } from 'node:test';
import type { RawBatch } from '../../../../src/core/batch.ts';
import { PgveilError } from '../../../../src/core/errors.ts';
import type { Observation } from '../../../../src/core/observer.ts';
import { SourceLease } from '../../../../src/pipeline/apart/source-lease.ts';
import { until } from '../../../support/wait.ts';
import { batchAt, entryOf, positionAt } from '../parts.ts';
import { clsnsOf, keepAway, running, trial } from './group.ts';

const statesOf = (seen: readonly Observation[], sink: string) =>
  seen.flatMap((one) => (one.type === 'sink' && one.sink === sink ? one.state : []));

test('a parked sink that alone answers at a start does not take the slot from those that are away', async () => {
  const { wal, sinks, source, own, parts, c } = trial();
  source.acked.push(10n); // there the slot stands, for a and b
  for (const name of ['a', 'b']) sinks.get(name)!.durable = positionAt(10n);
  c.durable = positionAt(5n);
  const doors = ['a', 'b'].map((name) => keepAway(sinks.get(name)!));
  wal.commit(6n);
  wal.commit(20n);
  await running(parts, async () => {
    await until(async () => c.durable?.pos === 20n, { what: 'the parked one to go on' });
    for (const door of doors) door.isAway = false;
    await until(async () => source.acked.at(-1) === 20n, { what: 'all to hold all' });
  });
  assert.equal(own[0]!.reads[0], 5n, 'it reads from its own slot');
  assert.ok(!source.reads.includes(5n), 'nobody asks the pipeline’s slot for what it has let go of');
  assert.deepEqual(clsnsOf(c), [5n, 19n]);
  for (const name of ['a', 'b']) assert.deepEqual(clsnsOf(sinks.get(name)!), [19n]);
});

test('a parked sink that alone answers at a start takes the slot where the others wait for a person', async () => {
  const { wal, sinks, source, parts, c } = trial();
  source.acked.push(10n);
  for (const name of ['a', 'b']) {
    sinks.get(name)!.durable = positionAt(10n);
    keepAway(sinks.get(name)!, new PgveilError('twin_rights', 'no right'));
  }
  c.durable = positionAt(5n);
  wal.commit(20n);
  await running(parts, async () => {
    await until(async () => c.durable?.pos === 20n, { what: 'the parked one to go on' });
  });
});

test('a parked sink goes on when those that were away at the start come to wait for a person', async () => {
  const { wal, sinks, source, own, parts, c, seen } = trial();
  source.acked.push(10n);
  const doors = ['a', 'b'].map((name) => {
    const sink = sinks.get(name)!;
    sink.durable = positionAt(10n);
    return keepAway(sink);
  });
  c.durable = positionAt(5n);
  wal.commit(6n);
  await running(parts, async () => {
    await until(async () => c.durable?.pos === 6n, { what: 'the parked one to go on' });
    for (const door of doors) door.error = new PgveilError('twin_rights', 'no right');
    const isTold = async () => seen.some((one) => one.type === 'trouble' && one.code === 'twin_rights');
    await until(isTold, { what: 'their trouble to be told' });
    wal.commit(20n);
    await until(async () => c.durable?.pos === 20n, { what: 'the parked one to go on' });
    for (const door of doors) door.isAway = false;
    await until(async () => source.acked.at(-1) === 20n, { what: 'all to hold all' });
  });
  assert.equal(own[0]!.reads[0], 5n);
  assert.ok(!source.reads.includes(5n));
});

test('a sink that takes its time while another one is let in stays where it is, and gets nothing twice', async () => {
  const { wal, sinks, source, parts, seen, states, park, c } = trial();
  const b = sinks.get('b')!;
  await running(parts, async () => {
    const door = await park();
    await until(async () => b.durable?.pos === 20n, { what: 'b to hold the second' });
    // It waits for a lock, say. When it is closed it fails with what it waited for, a moment later.
    const waiting = Promise.withResolvers<void>();
    let isHeld = false;
    b.beforeWrite = async ({ changes }) => {
      if (changes.length === 0 || isHeld) return;
      isHeld = true;
      await waiting.promise;
      throw new PgveilError('twin_away', 'closed');
    };
    b.close = async () => waiting.resolve();
    wal.commit(30n);
    await until(async () => isHeld, { what: 'b to wait' });
    wal.commit(40n);
    door.isAway = false;
    await until(async () => states().at(-1) === 'live' && c.durable?.pos === 40n, { what: 'c to be back' });
    await until(async () => source.acked.at(-1) === 40n, { what: 'all to hold the last' });
  });
  assert.deepEqual(statesOf(seen, 'b'), ['live', 'live']);
  assert.equal(source.reads.length, 2);
  for (const sink of sinks.values()) assert.deepEqual(clsnsOf(sink), [9n, 19n, 29n, 39n]);
});

test('a copy that waits for its place while another sink is let in has not taken it, and its sink stays where it is', async () => {
  const { wal, sinks, source, parts, seen, states, park, c } = trial();
  const b = sinks.get('b')!;
  const finished = { type: 'copy finished', table: { name: 'public.t', generation: 2 } } as unknown;
  const read = source.read.bind(source);
  source.read = async function* (from, signal) {
    for await (const batch of read(from, signal)) {
      yield batch;
      if (batch.position?.pos === 30n && source.reads.length === 1) {
        yield { ...batchAt(30n), events: [finished as RawBatch['events'][number]] };
      }
    }
  };
  await running(parts, async () => {
    const door = await park();
    const swap = Promise.withResolvers<boolean>();
    let isWaiting = false;
    b.settled = () => {
      isWaiting = true;
      return swap.promise;
    };
    b.close = async () => swap.reject(new PgveilError('twin_away', 'closed'));
    wal.commit(30n);
    await until(async () => isWaiting, { what: 'the copy to wait' });
    door.isAway = false;
    await until(async () => states().at(-1) === 'live' && c.durable?.pos === 30n, { what: 'c to be back' });
    wal.commit(40n);
    await until(async () => source.acked.at(-1) === 40n, { what: 'all to hold the last' });
  });
  assert.deepEqual(
    seen.filter(({ type }) => type === 'table' || type === 'copy step'),
    [],
  );
  assert.deepEqual(statesOf(seen, 'b'), ['live', 'live']);
});

test('where the pipeline’s slot is lost nothing is kept for a sink that lacks a copy, and the start goes on', async () => {
  const { sinks, source, slots, parts, c } = trial();
  source.acked.push(1n);
  for (const name of ['a', 'b']) sinks.get(name)!.open = async () => streaming(name);
  slots.copy = async () => {
    throw new PgveilError('slot_lost', 'the server gave it up');
  };
  const streaming = (name: string) => ({ position: sinks.get(name)!.durable, tables: new Map([['t', entryOf()]]) });
  await running(parts, async () => {
    await until(async () => source.reads.length > 0, { what: 'the others to be read for' });
  });
  assert.deepEqual(clsnsOf(c), []);
});

test('a sink that cannot even be closed, its disk being full, ends nothing for the others', async () => {
  const { wal, source, parts, states, c } = trial();
  await running(parts, async () => {
    wal.commit(10n);
    await until(async () => source.acked.at(-1) === 10n, { what: 'all to hold the first' });
    const door = keepAway(c);
    c.close = async () => {
      throw Object.assign(new Error('no space left'), { code: 'ENOSPC' });
    };
    wal.commit(20n);
    await until(async () => states().includes('parked'), { what: 'the sink to be parked' });
    door.isAway = false;
    await until(async () => states().at(-1) === 'live' && source.acked.at(-1) === 20n, { what: 'it to be back' });
  });
});

test('to wait for the source leaves nothing behind', async () => {
  const lease = new SourceLease();
  const { signal } = new AbortController();
  const early = lease.held(signal);
  lease.begin();
  await early;
  await lease.held(signal);
  assert.equal(getEventListeners(signal, 'abort').length, 0);
});

test('whoever waits for the source is let go when the signal aborts', async () => {
  const stop = new AbortController();
  const waiting = new SourceLease().held(stop.signal);
  stop.abort();
  await assert.rejects(waiting, { name: 'AbortError' });
});
