import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { NOTHING_ORDERED, type TableEntry, type TableState } from '../../src/core/checkpoint.ts';
import { NO_ORDERS, NO_OTHER_NAMES, type Orders } from '../../src/core/redactor.ts';
import { Entries, neverBound } from '../../transforms/entries.ts';
import { carryOut } from '../../transforms/orders.ts';
import { tableOf } from './fixture.ts';

const T = 'public.t';
const streaming: TableState = { state: 'streaming' };
const entryIn = (state: TableState, more: Partial<TableEntry> = {}): TableEntry => {
  return { ...neverBound(100, 'key'), binding: { number: 1, columns: [] }, state, ...more };
};
const tables = new Map([[T, null]]);

function after(orders: Partial<Orders>, entry: TableEntry | null, fingerprint = 'key'): TableEntry {
  const entries = new Map(entry ? [[T, entry]] : []);
  return carryOut({ ...NO_ORDERS, ...orders }, entries, { tables, fingerprint }).get(T)!;
}

describe('`run --recopy`', () => {
  const named = { recopy: new Set([T]) };

  test('orders once, and again only after a start that did not name the table', () => {
    const first = after(named, entryIn(streaming));
    assert.deepEqual([first.order.copy, first.order.byFlag, first.state.state], [true, true, 'stale']);
    const copied = { ...first, state: streaming, order: { ...first.order, copy: false } };
    assert.equal(after(named, copied), copied);
    const without = after({}, copied);
    assert.deepEqual([without.order, without.state], [{ ...NOTHING_ORDERED, count: 1 }, streaming]);
    const { copy, count } = after(named, without).order;
    assert.deepEqual([copy, count], [true, 2]);
  });

  test('goes on with what was ordered and not done, whoever starts', () => {
    const ordered = entryIn(streaming, { order: { ...NOTHING_ORDERED, copy: true } });
    assert.equal(after({}, ordered).state.state, 'stale');
    assert.equal(after({}, after(named, entryIn({ state: 'halted', code: 'row_missing' }))).order.copy, true);
  });

  test('is remembered of a table that was never copied, so that the start behind its first copy does not copy it once more', () => {
    const never = after(named, null);
    assert.deepEqual([never.order.byFlag, never.state.state], [true, 'absent']);
    const copied = { ...never, state: streaming, order: { ...never.order, copy: false } };
    assert.equal(after(named, copied), copied);
  });
});

describe('another key', () => {
  test('is refused, and with `--accept-key` every table is ordered under it', () => {
    assert.throws(() => after({}, entryIn(streaming), 'other'), { code: 'key_changed' });
    for (const state of [streaming, { state: 'halted', code: 'no_key' }] as const) {
      const entry = after({ acceptKey: true }, entryIn(state), 'other');
      assert.deepEqual([entry.key, entry.order.copy, entry.state.state], ['other', true, 'stale']);
      assert.equal(after({}, entry, 'other'), entry);
    }
    const same = entryIn(streaming);
    assert.equal(after({ acceptKey: true }, same), same);
  });
});

describe('entries', () => {
  const entriesWith = (entry: TableEntry) => new Entries(new Map([[T, entry]]), 'key');
  const plan = { binding: { number: 2, columns: [] }, table: { plan: 'p' } } as never;
  const table = tableOf({ oid: 200, columns: { id: 'integer' } });

  test('an approval is over when a copy begins, an order when it is finished or halts', () => {
    const entries = entriesWith(entryIn({ state: 'halted', code: 'names_moved' }));
    entries.order(T, 'hash', false);
    assert.deepEqual(entries.all.get(T)?.order, { copy: true, approved: 'hash', byFlag: false, count: 1 });
    entries.order(T, 'hash', false);
    assert.equal(entries.all.get(T)?.order.count, 1, 'of an order that is not done yet there is one');
    assert.equal(entries.all.get(T)?.state.state, 'stale');
    entries.startCopy(table, plan, 2, {});
    assert.deepEqual(entries.all.get(T)?.order, { ...NOTHING_ORDERED, copy: true, count: 1 });
    entries.setState(T, streaming, 200);
    assert.deepEqual(entries.all.get(T)?.order, { ...NOTHING_ORDERED, count: 1 });
    entries.order(T, 'hash', true);
    assert.equal(entries.all.get(T)?.state, streaming);
    entries.setState(T, { state: 'halted', code: 'names_moved' }, 200);
    assert.deepEqual(entries.all.get(T)?.order, { ...NOTHING_ORDERED, count: 2 });
  });

  test('oids that a name was bound to before are known, until the source is another database', () => {
    const entries = entriesWith(entryIn(streaming));
    entries.startCopy(table, plan, 2, {});
    assert.deepEqual([entries.all.get(T)?.oid, entries.all.get(T)?.formerly], [200, [100]]);
    for (let oid = 300; oid < 330; oid++) entries.startCopy({ ...table, oid }, plan, 3, {});
    assert.equal(entries.all.get(T)?.formerly.length, 16);
    entries.unbind(NO_OTHER_NAMES);
    assert.deepEqual([entries.all.get(T)?.oid, entries.all.get(T)?.formerly], [0, []]);
    entries.startCopy(table, plan, 4, {});
    assert.deepEqual(entries.all.get(T)?.formerly, []);
  });
});
