import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Checkpoint, NOTHING_ORDERED, type TableEntry } from '../../../../src/core/checkpoint.ts';
import type { Lsn } from '../../../../src/core/lsn.ts';
import { allToward, toward, whatNext } from '../../../../src/pipeline/apart/alike.ts';
import { together } from '../../../../src/pipeline/apart/who-reads.ts';
import { entryOf, positionAt } from '../parts.ts';

const NAME = 'public.t';

const absent = { state: 'absent' } as const;
const stale = { state: 'stale', since: 5n, reason: 'r' } as const;
const halted = { state: 'halted', code: 'row_missing' } as const;

const NOTHING = new Map<string, never>();

const tablesOf = (one: TableEntry | null) => new Map(one ? [[NAME, one]] : []);
const at = (pos: Lsn | null, one: TableEntry | null): Checkpoint => ({
  position: pos === null ? null : positionAt(pos),
  tables: tablesOf(one),
});

/** Who reads together, of sinks called a, b, c. */
function group(stands: Lsn | null, ...checkpoints: readonly Checkpoint[]): string {
  const names = new Map(checkpoints.map((one, i) => ['abc'[i]!, one] as const));
  return [...together(names, stands)].sort().join('');
}

test('sinks that hold the same copies read together, whatever their positions and the numbers of their copies', () => {
  assert.equal(group(10n, at(10n, entryOf()), at(90n, entryOf({ generation: 3 })), at(20n, entryOf())), 'abc');
});

test('a sink whose position the slot has passed reads by itself', () => {
  assert.equal(group(50n, at(90n, entryOf()), at(40n, entryOf()), at(60n, entryOf())), 'ac');
});

test('a new sink, and one that lacks a copy, read by themselves', () => {
  assert.equal(group(10n, at(90n, entryOf()), at(null, null)), 'a');
  assert.equal(group(10n, at(10n, entryOf({ state: absent })), at(90n, entryOf())), 'b');
  assert.equal(
    group(10n, at(10n, entryOf()), at(90n, entryOf({ generation: 2, plan: 'p2' })), at(20n, entryOf())),
    'b',
  );
});

test('where nothing streams yet all are copied into at once', () => {
  assert.equal(group(10n, at(10n, entryOf({ state: absent })), at(null, null)), 'ab');
  assert.equal(group(null, at(null, null), at(null, null)), 'ab');
});

test('without a slot there is nothing that anybody could read alone', () => {
  assert.equal(group(null, at(90n, entryOf()), at(40n, entryOf())), 'ab');
});

test('what stopped behind where the others stand is to come for them, too', () => {
  assert.equal(group(10n, at(10n, entryOf()), at(90n, entryOf({ state: stale }))), 'ab');
  assert.equal(group(10n, at(10n, entryOf()), at(90n, entryOf({ state: halted }))), 'ab');
  assert.equal(group(10n, at(90n, entryOf()), at(10n, entryOf({ state: stale }))), 'a');
});

test('a sink by itself copies what it lacks as the others have it, under a number that is new to both', () => {
  const others = entryOf({ plan: 'p2', binding: { number: 2, columns: [] }, generation: 4 });
  const { checkpoint, told } = toward(at(10n, entryOf({ generation: 6 })), tablesOf(others), NOTHING);
  assert.deepEqual(checkpoint.tables.get(NAME), { ...others, generation: 6, state: absent });
  assert.deepEqual(told, new Set([NAME]));
  assert.deepEqual(toward(at(10n, null), tablesOf(others), NOTHING).checkpoint.tables.get(NAME)?.generation, 4);
});

test('what it never bound it binds as the others did, though they do not stream it, and what halts them halts it', () => {
  const binding = { number: 2, columns: [{ attnum: 3, name: 'ssn' }] };
  const unbound = entryOf({ binding: { number: 0, columns: [] }, state: absent });
  for (const own of [null, unbound]) {
    for (const [state, then] of [
      [halted, halted],
      [stale, absent],
      [absent, absent],
    ]) {
      const { checkpoint, told } = toward(at(null, own), tablesOf(entryOf({ binding, state: state! })), NOTHING);
      const { binding: bound, state: begun } = checkpoint.tables.get(NAME)!;
      assert.deepEqual([bound, begun, told], [binding, then, new Set([NAME])]);
    }
  }
  assert.equal(toward(at(null, null), tablesOf(unbound), NOTHING).told.size, 0);
});

test('what it holds as they do, and what they do not hold themselves, stays as it is', () => {
  for (const [own, others] of [
    [entryOf(), entryOf({ generation: 9 })],
    [entryOf(), entryOf({ state: stale })],
    [entryOf({ state: halted, generation: 3 }), entryOf({ generation: 3 })],
  ] as const) {
    const { checkpoint, told } = toward(at(10n, own), tablesOf(others), NOTHING);
    assert.deepEqual([checkpoint.tables.get(NAME), told.size], [own, 0]);
  }
});

test('it joins the others when it holds what they do, and waits while they copy', () => {
  assert.equal(whatNext(tablesOf(entryOf()), tablesOf(entryOf())), 'join');
  assert.equal(whatNext(tablesOf(entryOf()), tablesOf(entryOf({ plan: 'p2' }))), 'copy');
  assert.equal(whatNext(tablesOf(entryOf()), tablesOf(entryOf({ state: stale }))), 'wait');
  assert.equal(whatNext(tablesOf(entryOf({ state: absent })), tablesOf(entryOf({ state: absent }))), 'join');
});

test('a table that halted in it alone is not copied again and again', () => {
  assert.equal(
    whatNext(tablesOf(entryOf({ state: halted, generation: 3 })), tablesOf(entryOf({ generation: 2 }))),
    'join',
  );
  assert.equal(whatNext(tablesOf(entryOf({ state: halted })), tablesOf(entryOf({ generation: 2 }))), 'copy');
});

test('a sink that was away when people ordered a copy makes it when it is back', () => {
  const order = { ...NOTHING_ORDERED, count: 2 };
  const others = entryOf({ generation: 4, order });
  for (const own of [
    entryOf({ generation: 4 }),
    entryOf({ generation: 6 }),
    entryOf({ generation: 4, state: halted }),
  ]) {
    assert.equal(whatNext(tablesOf(own), tablesOf(others)), 'copy');
    const { checkpoint } = toward(at(10n, own), tablesOf(others), NOTHING);
    assert.deepEqual([checkpoint.tables.get(NAME)!.state, checkpoint.tables.get(NAME)!.order], [absent, order]);
  }
  assert.equal(group(10n, at(20n, others), at(90n, entryOf({ generation: 9 }))), 'a');
  assert.equal(whatNext(tablesOf(entryOf({ generation: 7, order })), tablesOf(others)), 'join');
});

/** Bound anew since a sink bound it, to another table even. */
const rebound = entryOf({ oid: 9, binding: { number: 2, columns: [{ attnum: 3, name: 'ssn' }] } });

test('what others bound anew since it bound it is bound as theirs, though they do not stream it', () => {
  for (const state of [halted, stale, absent]) {
    const { checkpoint, told } = toward(at(10n, entryOf()), tablesOf({ ...rebound, state }), NOTHING);
    assert.deepEqual([checkpoint.tables.get(NAME)!.binding, told], [rebound.binding, new Set([NAME])]);
  }
});

test('what any sink ever bound counts where the others know less, also before they have begun', () => {
  for (const others of [null, entryOf({ state: halted })]) {
    for (const own of [null, entryOf()]) {
      const { checkpoint, told } = toward(at(10n, own), tablesOf(others), tablesOf({ ...rebound, state: halted }));
      const { oid, binding, state } = checkpoint.tables.get(NAME)!;
      assert.deepEqual([oid, binding, state, told], [9, rebound.binding, absent, new Set([NAME])]);
    }
  }
  assert.equal(toward(at(10n, rebound), tablesOf(null), tablesOf(rebound)).told.size, 0);
});

test('the same for those that read together: what one of them bound last is theirs already', () => {
  const here = new Map([
    ['a', at(10n, entryOf())],
    ['b', at(20n, null)],
  ]);
  const { checkpoints, told } = allToward(here, tablesOf(rebound));
  for (const { tables } of checkpoints.values()) assert.deepEqual(tables.get(NAME), { ...rebound, state: absent });
  assert.deepEqual(told, new Set([NAME]));
  const same = allToward(here, tablesOf(entryOf()));
  assert.deepEqual([same.checkpoints, same.told.size], [here, 0]);
});
