import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type StoredIn, whereSinksStand } from '../../../../src/app/check/standing.ts';
import { type Checkpoint, NOTHING_ORDERED, type TableEntry } from '../../../../src/core/checkpoint.ts';
import type { Lsn } from '../../../../src/core/lsn.ts';

const streaming = {
  generation: 1,
  state: { state: 'streaming' },
  binding: { number: 1, columns: [] },
  order: NOTHING_ORDERED,
};

function at(pos: Lsn | null, systemIdentifier = 'one'): Checkpoint {
  const history = { systemIdentifier, timeline: 1, databaseOid: 1, slot: 'pgveil_shop' };
  return {
    position: pos === null ? null : { pos, witness: null, history },
    tables: new Map([['public.t', streaming as unknown as TableEntry]]),
  };
}

const stands = (stored: Record<string, Checkpoint | null | undefined>, slot: Lsn | null) =>
  whereSinksStand(new Map(Object.entries(stored)) as StoredIn, slot).map(({ pos }) => pos);

test('a start goes on from where the sinks stand, the earliest first, also where the slot keeps nothing of it', () => {
  assert.deepEqual(stands({ twin: at(10n) }, 10n), [10n]);
  assert.deepEqual(stands({ twin: at(10n) }, 20n), [10n]);
  assert.deepEqual(stands({ twin: at(10n) }, null), [10n]);
  assert.deepEqual(stands({ twin: at(20n), lake: at(10n) }, 5n), [10n, 20n]);
});

test('where nothing is held yet, or nobody answers, there is nothing to go on from', () => {
  assert.deepEqual(stands({ twin: null }, 10n), []);
  assert.deepEqual(stands({ twin: at(null) }, 10n), []);
  assert.deepEqual(stands({ twin: undefined }, 10n), []);
});

test('what the slot does not keep for those who are here may be another’s who is away', () => {
  assert.deepEqual(stands({ twin: at(10n), lake: undefined }, 20n), []);
  assert.deepEqual(stands({ twin: at(20n), lake: undefined }, 20n), [20n]);
  assert.deepEqual(stands({ twin: at(10n), lake: undefined }, null), [10n]);
});

test('one that reads by itself is none of those who go on together', () => {
  assert.deepEqual(stands({ twin: at(30n), lake: at(10n) }, 20n), [30n]);
});

test('sinks that hold positions of different sources cannot go on', () => {
  const mixed = { twin: at(10n), lake: at(10n, 'other') };
  assert.throws(() => stands(mixed, 5n), { code: 'history_changed' });
});
