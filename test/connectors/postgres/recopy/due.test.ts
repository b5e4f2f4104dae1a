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
  const entry = { state, generation } as TableEntry;
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
