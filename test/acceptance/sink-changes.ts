// The part of `acceptSink` that is about changes: how several of one row come out, at once and one by one.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { RedactedTable } from '../../src/core/table.ts';
import { insert, type Row, remove, truncate, UNCHANGED, update, upTo } from '../support/batches.ts';
import { apply, type Trial } from './sink-trial.ts';

type Begin = (identity?: RedactedTable['identity']) => Trial;

export function acceptChanges(name: string, begin: Begin): void {
  describe(`${name}: changes`, () => {
    /** Applies the changes at once, and again one by one with a flush behind each: the result is the same. */
    function comesOut(
      title: string,
      before: Row[],
      changes: (table: RedactedTable) => ReturnType<typeof insert>[],
      after: Row[],
    ) {
      for (const identity of ['default', 'full'] as const) {
        test(`${title} (REPLICA IDENTITY ${identity})`, async () => {
          for (const oneByOne of [false, true]) {
            await using trial = begin(identity);
            const sink = await trial.copied(before);
            const all = changes(trial.table);
            const groups = oneByOne ? all.map((change) => [change]) : [all];
            const batches = groups.map((group, i) => upTo(0x200n + 0x10n * BigInt(i), group));
            await apply(sink, ...batches);
            await sink.close();
            assert.deepEqual(await trial.rows(), after, oneByOne ? 'one by one' : 'at once');
          }
        });
      }
    }

    /** The old image as Postgres sends it. */
    const old = (table: RedactedTable, row: Row): Row =>
      table.identity === 'full' ? row : row.map((cell, index) => (table.key.includes(index) ? cell : null));

    /** An update that leaves the key alone has an old image under FULL only. */
    const change = (table: RedactedTable, from: Row, to: Row) =>
      update(table, to, table.identity === 'full' || from[0] !== to[0] ? old(table, from) : undefined);

    comesOut(
      'insert, update, delete',
      [
        ['1', 'a', 'x'],
        ['2', 'b', 'x'],
      ],
      (table) => [
        insert(table, ['3', 'c', '']),
        change(table, ['1', 'a', 'x'], ['1', 'A', null]),
        remove(table, old(table, ['2', 'b', 'x'])),
      ],
      [
        ['1', 'A', null],
        ['3', 'c', ''],
      ],
    );

    comesOut(
      'the last state of a key counts',
      [['1', 'a', null]],
      (table) => [
        remove(table, old(table, ['1', 'a', null])),
        insert(table, ['1', 'b', null]),
        change(table, ['1', 'b', null], ['1', 'c', null]),
        remove(table, old(table, ['1', 'c', null])),
        insert(table, ['1', 'd', null]),
        insert(table, ['2', 'd', null]),
        change(table, ['2', 'd', null], ['2', 'e', null]),
        insert(table, ['3', 'f', null]),
        remove(table, old(table, ['3', 'f', null])),
      ],
      [
        ['1', 'd', null],
        ['2', 'e', null],
      ],
    );

    comesOut(
      'a truncate takes what was before it and leaves what comes after',
      [['1', 'a', null]],
      (table) => [
        insert(table, ['2', 'b', null]),
        change(table, ['1', 'a', null], ['1', 'A', null]),
        truncate(table),
        insert(table, ['1', 'c', null]),
        insert(table, ['3', 'd', null]),
      ],
      [
        ['1', 'c', null],
        ['3', 'd', null],
      ],
    );

    comesOut(
      'a value that was not sent stays as it was',
      [
        ['1', 'a', 'large one'],
        ['2', 'b', 'large two'],
      ],
      (table) => [
        change(table, ['1', 'a', 'large one'], ['1', 'A', UNCHANGED]),
        change(table, ['2', 'b', 'large two'], ['2', 'B', 'LARGE TWO']),
        change(table, ['2', 'B', 'LARGE TWO'], ['2', 'BB', UNCHANGED]),
        insert(table, ['3', 'c', 'large three']),
        change(table, ['3', 'c', 'large three'], ['3', 'C', UNCHANGED]),
        change(table, ['3', 'C', 'large three'], ['3', UNCHANGED, 'LARGE THREE']),
      ],
      [
        ['1', 'A', 'large one'],
        ['2', 'BB', 'LARGE TWO'],
        ['3', 'C', 'LARGE THREE'],
      ],
    );

    comesOut(
      'a row moves to another key, and what was not sent moves with it',
      [
        ['1', 'a', 'large one'],
        ['2', 'b', 'large two'],
      ],
      (table) => [
        change(table, ['1', 'a', 'large one'], ['10', 'A', UNCHANGED]),
        change(table, ['2', 'b', 'large two'], ['2', 'B', 'LARGE TWO']),
        change(table, ['2', 'B', 'LARGE TWO'], ['1', 'B', UNCHANGED]),
        insert(table, ['3', 'c', 'large three']),
        change(table, ['3', 'c', 'large three'], ['2', 'c', UNCHANGED]),
        change(table, ['2', 'c', 'large three'], ['4', 'c', UNCHANGED]),
      ],
      [
        ['1', 'B', 'LARGE TWO'],
        ['4', 'c', 'large three'],
        ['10', 'A', 'large one'],
      ],
    );

    comesOut(
      'two rows swap their keys',
      [
        ['1', 'a', null],
        ['2', 'b', null],
      ],
      (table) => [
        change(table, ['1', 'a', null], ['-1', 'a', null]),
        change(table, ['2', 'b', null], ['1', 'b', null]),
        change(table, ['-1', 'a', null], ['2', 'a', null]),
      ],
      [
        ['1', 'b', null],
        ['2', 'a', null],
      ],
    );
  });
}
