import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Checkpoint, NOTHING_ORDERED, type TableEntry } from '../../../src/core/checkpoint.ts';
import type { Lsn } from '../../../src/core/lsn.ts';
import { whereToRead } from '../../../src/pipeline/checkpoints.ts';
import { positionAt } from './parts.ts';

const entry: TableEntry = {
  oid: 7,
  formerly: [],
  binding: { number: 1, columns: [] },
  shape: { columns: [], key: [1], identity: 'default' },
  fingerprint: null,
  plan: 'p',
  key: 'k',
  generation: 1,
  state: { state: 'streaming' },
  order: NOTHING_ORDERED,
};

const at = (pos: Lsn | null, tables = new Map([['public.t', entry]])): Checkpoint => {
  return { position: pos === null ? null : positionAt(pos), tables };
};

const begin = (anew: boolean, ...checkpoints: readonly Checkpoint[]) =>
  whereToRead(new Map(checkpoints.map((checkpoint, i) => [`sink ${i}`, checkpoint])), anew);

test('reading begins where the slowest sink stands, and the history has to be that of the others as well', () => {
  const { position, ahead, tables } = begin(false, at(30n), at(10n), at(20n));
  assert.deepEqual(
    [position, ...ahead].map((one) => one?.pos),
    [10n, 20n, 30n],
  );
  assert.deepEqual(tables, new Map([['public.t', entry]]));
});

test('for a sink that has nothing yet everything is copied, under numbers that no sink knows', () => {
  const { position, ahead, tables, apart } = begin(false, at(30n), at(null, new Map()));
  assert.deepEqual([position, ahead], [null, []]);
  assert.deepEqual(tables.get('public.t'), { ...entry, state: { state: 'absent' } });
  assert.deepEqual(apart, new Set(['public.t']));
});

test('what is to be forgotten is forgotten, but for what names were bound to', () => {
  const { position, tables } = begin(true, at(30n), at(10n));
  assert.equal(position, null);
  assert.deepEqual(tables.get('public.t'), { ...entry, state: { state: 'absent' } });
});

test('positions of two servers cannot be compared', () => {
  const other = positionAt(5n);
  const elsewhere = { ...at(5n), position: { ...other, history: { ...other.history, systemIdentifier: '2' } } };
  assert.throws(() => begin(false, at(30n), elsewhere), { code: 'history_changed' });
  assert.equal(begin(true, at(30n), elsewhere).position, null);
});

test('a promotion in between is no other server', () => {
  const { history, ...rest } = positionAt(30n);
  const promoted = { ...at(30n), position: { ...rest, history: { ...history, timeline: 2 } } };
  assert.equal(begin(false, promoted, at(10n)).position?.pos, 10n);
});
