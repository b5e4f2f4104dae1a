import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Batches } from '../../../../connectors/postgres/stream/batches.ts';
import type { Change, RawBatch, TableEvent } from '../../../../src/core/batch.ts';
import type { Position } from '../../../../src/core/checkpoint.ts';
import { table } from '../messages.ts';

const LIMIT = 100;
const history = { systemIdentifier: '1', timeline: 1, databaseOid: 1, slot: 's' };
const at = (pos: bigint): Position => ({ pos, witness: null, history });

function change(clsn: bigint, seq: number): Change<'raw'> {
  const transaction = { clsn, xid: 1, commitTime: 0n };
  return { op: 'insert', table: table(1, 't'), transaction, seq, before: null, beforeIs: 'row', after: null };
}

const stopped: TableEvent<'raw'> = {
  type: 'stopped',
  name: 'public.t',
  oid: 1,
  state: { state: 'absent' },
  definition: null,
};

/** `1.1 1.2 @10`: the changes by clsn and seq, and the position. */
function show(batch: RawBatch | null): string | null {
  if (!batch) return null;
  const changes = batch.changes.map(({ transaction, seq }) => `${transaction.clsn}.${seq}`);
  return [...batch.events.map(({ type }) => type), ...changes, `@${batch.position?.pos ?? '-'}`].join(' ');
}

function takeAll(batches: Batches): string[] {
  const all: string[] = [];
  for (let batch = batches.take(); batch; batch = batches.take()) all.push(show(batch)!);
  return all;
}

test('whole transactions come in one batch, and what is not complete stays', () => {
  const batches = new Batches(LIMIT);
  batches.add(change(1n, 1), 10);
  assert.equal(batches.take(), null);
  batches.commit(at(10n));
  batches.add(change(10n, 1), 10);
  batches.add(change(10n, 2), 10);
  batches.commit(at(20n));
  batches.add(change(20n, 1), 10);
  const batch = batches.take()!;
  assert.equal(show(batch), '1.1 10.1 10.2 @20');
  assert.equal(batch.bytes, 30);
  assert.deepEqual(batch.progress, { clsn: 10n, seq: 2 });
  assert.equal(batches.take(), null);
  batches.commit(at(30n));
  assert.equal(show(batches.take()), '20.1 @30');
  assert.equal(batches.isEmpty, true);
});

test('a batch is closed at the limit, at the boundary of a transaction', () => {
  const batches = new Batches(LIMIT);
  for (let clsn = 1n; clsn <= 4n; clsn++) {
    batches.add(change(clsn, 1), 40);
    batches.commit(at(clsn + 1n));
  }
  assert.deepEqual(takeAll(batches), ['1.1 2.1 @3', '3.1 4.1 @5']);
});

test('a transaction larger than the limit comes in parts, of which only the last has a position', () => {
  const batches = new Batches(LIMIT);
  batches.add(change(1n, 1), 10);
  batches.commit(at(10n));
  for (let seq = 1; seq <= 5; seq++) batches.add(change(10n, seq), 60);
  assert.equal(batches.isEmpty, false);
  batches.commit(at(20n));
  batches.add(change(20n, 1), 10);
  batches.commit(at(30n));
  assert.deepEqual(takeAll(batches), ['1.1 @10', '10.1 10.2 @-', '10.3 10.4 @-', '10.5 @20', '20.1 @30']);
});

test('a transaction that ends with a part still gets its position', () => {
  const batches = new Batches(LIMIT);
  batches.add(change(1n, 1), 500);
  assert.equal(show(batches.take()), '1.1 @-');
  assert.equal(batches.isEmpty, false, 'no position may stand alone between the parts of a transaction');
  batches.commit(at(10n));
  assert.deepEqual(takeAll(batches), ['@10']);
  assert.equal(batches.isEmpty, true);
});

test('it is full from twice the limit on, until so much is taken that it is below', () => {
  const batches = new Batches(LIMIT);
  batches.add(change(1n, 1), LIMIT);
  batches.add(change(1n, 2), LIMIT - 1);
  assert.equal(batches.isFull, false);
  batches.commit(at(10n));
  batches.add(change(10n, 1), 1);
  assert.equal(batches.isFull, true);
  assert.equal(batches.take()!.bytes, LIMIT);
  assert.equal(batches.isFull, false, 'what is taken counts no longer');
});

test('one that is full always has a batch to take', () => {
  for (const size of [1, 30, 99, 100, 101, 1000]) {
    const batches = new Batches(LIMIT);
    for (let seq = 1; !batches.isFull; seq++) batches.add(change(1n, seq), size);
    assert.ok(batches.take());
  }
});

test('an event goes out behind what came before it and before what comes after it', () => {
  const batches = new Batches(LIMIT);
  batches.add(change(1n, 1), 10);
  batches.commit(at(10n));
  batches.add(change(10n, 1), 10);
  batches.event(stopped);
  batches.add(change(10n, 2), 10);
  batches.commit(at(20n));
  assert.deepEqual(takeAll(batches), ['1.1 @10', '10.1 @-', 'stopped 10.2 @20']);
});

test('an event is not taken with a position from before it', () => {
  const batches = new Batches(LIMIT);
  batches.add(change(1n, 1), 10);
  batches.commit(at(10n));
  batches.event(stopped);
  assert.deepEqual(takeAll(batches), ['1.1 @10']);
  batches.commit(at(20n));
  assert.deepEqual(takeAll(batches), ['stopped @20']);
});

test('a transaction without changes of ours makes no batch, but moves the position of one that waits', () => {
  const batches = new Batches(LIMIT);
  batches.commit(at(10n));
  assert.equal(batches.take(), null);
  batches.add(change(10n, 1), 10);
  batches.commit(at(20n));
  batches.commit(at(30n));
  assert.deepEqual(takeAll(batches), ['10.1 @30']);
});
