import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NOTHING_ORDERED, type TableEntry } from '../../../src/core/checkpoint.ts';
import { mergeEntries } from '../../../src/pipeline/merge.ts';
import { entryOf } from './parts.ts';

const NAME = 'public.t';

/** The sinks' entries of one table, the sink with the earliest position first; null where it has none. */
function merge(...held: readonly (TableEntry | null)[]) {
  const { tables, apart } = mergeEntries(held.map((one) => new Map(one ? [[NAME, one]] : [])));
  return { merged: tables.get(NAME)!, isApart: apart.has(NAME) };
}

test('what a single sink holds is what counts', () => {
  for (const state of [{ state: 'streaming' }, { state: 'absent' }, { state: 'halted', code: 'no_key' }] as const) {
    assert.deepEqual(merge(entryOf({ state })), { merged: entryOf({ state }), isApart: false });
  }
});

test('where all hold the same copy it streams, with the fingerprint of the sink that is furthest behind', () => {
  const [behind, ahead] = [entryOf({ fingerprint: { mark: 1 } }), entryOf({ fingerprint: { mark: 2 } })];
  assert.deepEqual(merge(behind, ahead), { merged: behind, isApart: false });
});

test('a table that only one sink has a new copy of is copied again into all, under a generation of its own', () => {
  const ahead = entryOf({ generation: 3, plan: 'p2', binding: { number: 2, columns: [] } });
  for (const held of [
    [entryOf(), ahead],
    [ahead, entryOf()],
  ]) {
    const { merged, isApart } = merge(...held);
    const state = { state: 'stale', since: 0n, reason: 'the sinks hold different copies of it' } as const;
    assert.deepEqual({ merged, isApart }, { merged: { ...ahead, state }, isApart: true });
  }
});

test('the number of a copy that one sink began is not given again', () => {
  const begun = entryOf({ generation: 5, state: { state: 'absent' }, binding: { number: 1, columns: [] } });
  const { merged } = merge(entryOf({ binding: { number: 2, columns: [] } }), begun);
  assert.deepEqual([merged.binding.number, merged.generation], [2, 5]);
});

test('a table that was never copied into one of the sinks is absent, whatever its size', () => {
  assert.deepEqual(merge(null, entryOf()), { merged: entryOf({ state: { state: 'absent' } }), isApart: true });
  assert.deepEqual(merge(entryOf({ state: { state: 'absent' } }), entryOf()).merged.state, { state: 'absent' });
});

test('what the sink that is furthest says of the present copy holds for all: stale, halted, or healed since', () => {
  const stale = entryOf({ state: { state: 'stale', since: 5n, reason: 'r' } });
  const halted = entryOf({ state: { state: 'halted', code: 'row_missing' } });
  assert.deepEqual(merge(entryOf(), stale), { merged: stale, isApart: true });
  assert.deepEqual(merge(stale, halted), { merged: halted, isApart: true });
  assert.deepEqual(merge(halted, stale), { merged: stale, isApart: true });
  assert.equal(merge(halted, entryOf({ generation: 2 })).merged.state.state, 'stale');
});

test('what was ordered in one of them is not done yet', () => {
  const ordered = entryOf({ order: { copy: true, approved: 'h', byFlag: true, count: 0 } });
  assert.deepEqual(merge(ordered, entryOf()).merged.order, ordered.order);
});

test('a table that was ordered anew of one of them alone is copied into all', () => {
  const order = { ...NOTHING_ORDERED, count: 1 };
  const { merged, isApart } = merge(entryOf(), entryOf({ order }));
  assert.deepEqual([merged.state.state, merged.order, isApart], ['stale', order, true]);
  assert.deepEqual(merge(entryOf({ order }), entryOf({ order })).merged.state, { state: 'streaming' });
});
