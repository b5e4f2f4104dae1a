import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TableReading } from '../../../../connectors/postgres/catalog/reading.ts';
import { Due } from '../../../../connectors/postgres/recopy/due.ts';
import { judgeDue } from '../../../../connectors/postgres/recopy/verdict.ts';
import type { TableEntry } from '../../../../src/core/checkpoint.ts';
import { PgveilError } from '../../../../src/core/errors.ts';
import type { Rules } from '../../../../src/core/source.ts';
import { shapeOf, type Table } from '../../../../src/core/table.ts';
import * as messages from '../messages.ts';

const t = messages.table(100, 't');
const { name } = t;
const wider: Table<'raw'> = { ...t, columns: [...t.columns, { ...t.columns[0]!, attnum: 9, name: 'more' }] };
const rules = { fits: () => true, isOrdered: () => false, isAsCopied: () => true } as unknown as Rules;

function judge(due: Due, table: Table<'raw'>, entry: TableEntry) {
  const reading = { table, problem: null, leaves: [] } as unknown as TableReading;
  const entries = new Map([[name, entry]]);
  return judgeDue(name, reading, 0, { due, entries, rules, observe: () => {}, autoBelow: 1 });
}

test('what a sink refused waits for another definition, also where the one that it refused was not that of the start', () => {
  const state = { state: 'streaming' } as const;
  const entry = { oid: t.oid, generation: 3, shape: shapeOf(t), state } as unknown as TableEntry;
  const refused = { ...entry, state: { state: 'halted', code: 'reserved_column' } } as TableEntry;
  const retry = { longestMs: 1000, began: new Map() };
  const restarted = new Due([name], new Map([[name, refused]]), retry);
  assert.equal(judge(restarted, t, refused), 'wait');
  assert.equal(judge(restarted, wider, refused), 'copy');

  const running = new Due([name], new Map([[name, entry]]), retry);
  running.begin(name, 0);
  running.refused(name, new PgveilError('reserved_column', 'so', { table: name }));
  running.note(running.stopped(name) as never);
  assert.equal(judge(running, t, entry), 'copy');
});
