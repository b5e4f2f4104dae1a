import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Due } from '../../../../connectors/postgres/recopy/due.ts';
import type { TableEvent } from '../../../../src/core/batch.ts';
import type { TableEntry, TableState } from '../../../../src/core/checkpoint.ts';
import * as messages from '../messages.ts';

const t = messages.table(100, 't');
const { name } = t;
const STALE: TableState = { state: 'stale', since: 1n, reason: 'column a is new' };

function dueWith(state: TableState | null, generation = 3): Due {
  const entry = { state, generation, binding: { number: 1, columns: [] } } as unknown as TableEntry;
  return new Due([name], new Map(state ? [[name, entry]] : []), { longestMs: 5 * 60_000, began: new Map() });
}

const stopped = (state: TableState): TableEvent<'raw'> => ({ type: 'stopped', name, oid: 1, state, definition: null });
const finished: TableEvent<'raw'> = { type: 'copy finished', table: t };

test('a table that streams is not due; one that was never copied, is stale or was taken out is', () => {
  assert.deepEqual(dueWith({ state: 'streaming' }).candidates(0), []);
  for (const state of [null, STALE, { state: 'absent' }] as const) {
    const due = dueWith(state);
    assert.deepEqual(due.candidates(0), [name]);
    assert.equal(due.isPending, true);
  }
});

test('a copy counts generations up, and is over when it is finished or stopped', () => {
  const due = dueWith(STALE);
  due.begin(name, 0);
  assert.deepEqual([due.generationOf(name), due.candidates(0), due.isPending], [4, [], true]);
  due.note(finished);
  assert.deepEqual([due.candidates(0), due.isPending], [[], false]);
  due.note(stopped(STALE));
  assert.deepEqual([due.isCopying(name), due.isPending], [false, true]);
});

test('the first copy begins at once, each further one after twice the wait, and a quiet quarter of an hour forgets it', () => {
  const due = dueWith(STALE);
  let now = 0;
  const waits = [0, 1000, 2000, 4000, 8000].map((wait) => {
    assert.deepEqual(due.candidates(now + wait - 1), wait === 0 ? [name] : [], `before ${wait} ms`);
    assert.deepEqual(due.candidates(now + wait), [name], `after ${wait} ms`);
    now += wait;
    due.begin(name, now);
    due.note(stopped(STALE));
    return wait;
  });
  assert.equal(waits.length, 5);
  assert.deepEqual(due.candidates(now + 15 * 60_000), [name]);
});

test('what must not be copied as it is waits for another definition', () => {
  const due = dueWith(STALE);
  assert.equal(due.see(name, 'one'), true);
  due.refuse(name);
  assert.deepEqual([due.see(name, 'one'), due.isPending], [false, false]);
  assert.deepEqual([due.see(name, 'another'), due.isPending], [true, true]);
});

test('a copy that was given up before anybody looked at the table is not made again of what is seen then', () => {
  const due = dueWith(null);
  due.refuse(name);
  assert.equal(due.isPending, true, 'nobody knows yet what it is');
  assert.deepEqual([due.see(name, 'one'), due.isPending], [false, false]);
  assert.equal(due.see(name, 'another'), true);
});

test('a halt that a sink or a value caused needs a person, one that the catalog caused does not', () => {
  assert.equal(dueWith({ state: 'halted', code: 'key_collision' }).needsPerson(name), true);
  assert.equal(dueWith({ state: 'halted', code: 'table_missing' }).needsPerson(name), false);
  assert.equal(dueWith(STALE).needsPerson(name), false);
});

test('a table whose copy ended in a halt is tried again, and nobody waits for that', () => {
  const UNREADABLE: TableState = { state: 'halted', code: 'table_unreadable' };
  const due = dueWith(UNREADABLE);
  due.see(name, 'one');
  assert.equal(due.isPending, true, 'it was halted before: perhaps it is mended');
  due.begin(name, 0);
  assert.equal(due.isPending, true);
  due.note(stopped(UNREADABLE));
  assert.deepEqual([due.isPending, due.candidates(999), due.candidates(1000)], [false, [], [name]]);
  due.see(name, 'one');
  due.begin(name, 1000);
  assert.equal(due.isPending, false, 'the same definition once more');
  due.note(stopped(UNREADABLE));
  due.see(name, 'another');
  assert.equal(due.isPending, true, 'another definition');
  due.note({ type: 'ordered', name, approved: null });
  due.see(name, 'one');
  assert.equal(due.isPending, true, 'a person wants it');
});

test('a table that was halted before is waited for while its copies fail for something else', () => {
  const due = dueWith({ state: 'halted', code: 'table_unreadable' });
  due.see(name, 'one');
  due.begin(name, 0);
  due.failed(name, 'no slot is free');
  due.note(due.stopped(name));
  assert.equal(due.isPending, true);
});

test('a copy that cannot begin for want of a slot is waited for some times, and from its beginning on', () => {
  const due = dueWith(STALE);
  const obstructed = (now: number) => {
    due.see(name, 'one');
    due.begin(name, now);
    due.obstructed([name]);
    due.note(stopped(STALE));
    return due.isPending;
  };
  assert.deepEqual([0, 1000, 3000, 7000].map(obstructed), [true, true, true, false]);
  due.begin(name, 15_000);
  assert.equal(due.isPending, false);
  due.note({ type: 'copy started', table: t } as never);
  assert.equal(due.isPending, true);
});

test('what another copy is in the way of is waited for', () => {
  const names = ['a', 'b'];
  const due = new Due(names, new Map(), { longestMs: 300_000, began: new Map() });
  for (const one of names) due.see(one, 'one');
  due.begin('a', 0);
  for (let now = 0; now < 100_000; now += 10_000) {
    due.begin('b', now);
    due.obstructed(['b']);
    due.note({ ...stopped(STALE), name: 'b' } as TableEvent<'raw'>);
  }
  due.note({ ...stopped({ state: 'halted', code: 'table_unreadable' }), name: 'a' } as TableEvent<'raw'>);
  assert.equal(due.isPending, true);
});

test('what a lake refused waits for a person, as its error says', () => {
  assert.equal(dueWith({ state: 'halted', code: 'lake_refused' }).needsPerson(name), true);
});
