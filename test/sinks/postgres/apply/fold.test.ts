import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Window } from '../../../../sinks/postgres/apply/fold.ts';
import { Pieces } from '../../../../sinks/postgres/apply/pieces.ts';
import { twinTable } from '../../../../sinks/postgres/twin-table.ts';
import { CELL_NULL, CELL_TEXT, CellReader, type Tuple } from '../../../../src/core/tuple.ts';
import {
  type Cell,
  insert,
  remove,
  sketchTable,
  type TableSketch,
  UNCHANGED,
  update,
} from '../../../support/batches.ts';

const SKETCH: TableSketch = { relation: 't', columns: { id: 'bigint', a: 'text', b: 'text' }, key: ['id'] };

function begin(sketch: Partial<TableSketch> = {}) {
  const table = sketchTable({ ...SKETCH, ...sketch });
  const layout = { pipeline: 'shop', types: new Map(), sourcePrimaryKey: 'source_primary_key' };
  return { table, window: new Window(twinTable(table, layout), new Pieces()) };
}

function cellsOf(image: Tuple<'redacted'>): Cell[] {
  const cells = new CellReader();
  return Array.from({ length: cells.open(image) }, () => {
    cells.next();
    if (cells.kind === CELL_TEXT) return cells.bytes.toString('utf8', cells.start, cells.end);
    return cells.kind === CELL_NULL ? null : UNCHANGED;
  });
}

/** What is staged, by key: cells, or `gone`. */
function staged(window: Window) {
  return Object.fromEntries([...window.staged].map(([key, row]) => [key, row ? cellsOf(row.image) : 'gone']));
}

describe('a window', () => {
  test('takes rows of new keys as they come', () => {
    const { table, window } = begin();
    window.take(insert(table, ['1', 'x', null]));
    window.take(insert(table, ['2', 'y', null]));
    assert.equal(window.takeFresh()?.view().toString(), '1\tx\t\\N\t1\n2\ty\t\\N\t2\n');
    assert.deepEqual(staged(window), {});
  });

  test('takes a large row of a new key as it is, and one of a key that went before as a changed one', () => {
    const { table, window } = begin();
    const large = 'x'.repeat(1024 * 1024);
    window.take(insert(table, ['1', large, null]));
    window.take(remove(table, ['2', null, null]));
    window.take(insert(table, ['2', large, 'y']));
    assert.equal(window.freshBytes, 0);
    assert.deepEqual(window.takeLarge().map(cellsOf), [['1', large, null]]);
    assert.deepEqual(staged(window), { 2: ['2', large, 'y'] });
    assert.throws(() => window.take(insert(table, ['2', large, 'y'])), { code: 'key_collision' });
  });

  test('keeps the last state of a key, completed from the states before', () => {
    const { table, window } = begin();
    window.take(update(table, ['1', 'x', UNCHANGED]));
    assert.deepEqual(window.staged.get('1')?.unchanged, [2]);
    window.take(update(table, ['1', UNCHANGED, 'y']));
    assert.deepEqual(staged(window), { 1: ['1', 'x', 'y'] });
    assert.deepEqual(window.staged.get('1')?.unchanged, []);
    window.take(remove(table, ['1', null, null]));
    assert.deepEqual(staged(window), { 1: 'gone' });
    window.take(insert(table, ['1', 'again', null]));
    assert.deepEqual(staged(window), { 1: ['1', 'again', null] });
    assert.equal(window.freshBytes, 0);
  });

  test('does not hold on to the batch', () => {
    const { table, window } = begin();
    const change = update(table, ['1', 'x', 'y']);
    window.take(change);
    change.after!.bytes.fill(0);
    assert.deepEqual(staged(window), { 1: ['1', 'x', 'y'] });
  });

  test('fills what was not sent from a whole old image, and not from one that is the key alone', () => {
    const full = begin({ identity: 'full' });
    full.window.take(update(full.table, ['1', 'x', UNCHANGED], ['1', 'old', 'kept']));
    assert.deepEqual(staged(full.window), { 1: ['1', 'x', 'kept'] });

    const byKey = begin({ key: ['a'] });
    byKey.window.take(update(byKey.table, ['1', UNCHANGED, UNCHANGED], [null, 'long key', null]));
    assert.deepEqual(staged(byKey.window), { 'long key': ['1', 'long key', UNCHANGED] });
  });

  test('hands back a row that moves while a part of it is in the twin alone, and takes in one that is known', () => {
    const { table, window } = begin();
    const moved = window.take(update(table, ['2', 'x', UNCHANGED], ['1', null, null]));
    assert.deepEqual(cellsOf(moved!.image), ['2', 'x', UNCHANGED]);
    assert.deepEqual(staged(window), {});
    window.take(update(table, ['1', 'x', 'y']));
    assert.equal(window.take(update(table, ['2', 'z', UNCHANGED], ['1', null, null])), null);
    assert.deepEqual(staged(window), { 1: 'gone' });
    assert.equal(window.takeFresh()?.view().toString(), '2\tz\ty\t2\n');
  });

  test('refuses a key that is there, a part of a row that is gone, and a key that nobody sent', () => {
    const { table, window } = begin();
    window.take(update(table, ['1', 'x', 'y']));
    window.take(remove(table, ['2', null, null]));
    const about = (code: string) => ({ code, table: 'public.t' });
    assert.throws(() => window.take(insert(table, ['1', 'x', 'y'])), about('key_collision'));
    assert.throws(() => window.take(update(table, ['1', 'x', 'y'], ['3', null, null])), about('key_collision'));
    assert.throws(() => window.take(update(table, ['2', 'x', UNCHANGED])), about('row_missing'));
    assert.throws(() => window.take(update(table, [UNCHANGED, 'x', 'y'])), about('row_missing'));
  });
});
