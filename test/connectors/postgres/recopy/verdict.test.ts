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

function judge(due: Due, table: Table<'raw'>, entry: TableEntry, bytes = 0) {
  const reading = { table, problem: null, leaves: [] } as unknown as TableReading;
  const entries = new Map([[name, entry]]);
  return judgeDue(name, reading, bytes, { due, entries, rules, observe: () => {}, autoBelow: 1 });
}

test('what a sink refused waits for another definition, also where the one that it refused was not that of the start', () => {
  const state = { state: 'streaming' } as const;
  const binding = { number: 1, columns: [] };
  const entry = { oid: t.oid, generation: 3, binding, shape: shapeOf(t), state } as unknown as TableEntry;
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

test('what halted before its first copy is copied whatever its size, and what halted after one waits for a person', () => {
  const retry = { longestMs: 1000, began: new Map() };
  const state = { state: 'halted', code: 'names_unknown' } as const;
  const entry = { oid: t.oid, generation: 0, shape: shapeOf(t), state, binding: { number: 0, columns: [] } };
  const never = entry as unknown as TableEntry;
  const copied = { ...never, generation: 1, binding: { number: 1, columns: [] } };
  const dueOf = (one: TableEntry) => new Due([name], new Map([[name, one]]), retry);
  assert.equal(judge(dueOf(never), t, never, 2), 'copy');
  assert.equal((judge(dueOf(copied), t, copied, 2) as { type: string }).type, 'stopped');

  const running = dueOf(never);
  running.begin(name, 0);
  running.note(running.stopped(name) as never);
  assert.equal(judge(running, t, never, 2), 'copy', 'a copy that came to nothing is none');
  running.note({ type: 'copy finished', table: t } as never);
  running.note({ type: 'stopped', name, oid: t.oid, state, definition: null });
  assert.equal((judge(running, t, never, 2) as { type: string }).type, 'stopped');
});
