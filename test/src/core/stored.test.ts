import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Position, TableEntry, TableState } from '../../../src/core/checkpoint.ts';
import { entryFromJson, entryToJson } from '../../../src/core/entry-json.ts';
import { PgveilError } from '../../../src/core/errors.ts';
import { positionOf, storedPosition } from '../../../src/core/position-json.ts';
import { readStored } from '../../../src/core/stored.ts';

const history = { systemIdentifier: '7', timeline: 1, databaseOid: 16384, slot: 'pgveil_shop' };
const position: Position = { pos: 0x200n, witness: { clsn: 0x1f8n, xid: 700, commitTime: -1n }, history };

const entry: TableEntry = {
  oid: 4_294_967_295,
  formerly: [16384],
  binding: { number: 2, columns: [{ attnum: 1, name: 'id' }] },
  shape: { columns: [{ attnum: 1, name: 'id', type: 20, modifier: -1 }], key: [1], identity: 'default' },
  fingerprint: { leaves: [{ file: '1' }] },
  plan: 'plan',
  key: 'key',
  generation: 3,
  state: { state: 'streaming' },
  order: { copy: false, approved: null, byFlag: false, count: 0 },
};

/** The same with one member of it, however deep, that is gone or something else. */
function* spoiled(value: unknown): Generator<unknown> {
  if (typeof value !== 'object' || value === null) return;
  for (const [name, member] of Object.entries(value)) {
    const put = (one: unknown) => (Array.isArray(value) ? value.with(Number(name), one) : { ...value, [name]: one });
    for (const wrong of [undefined, {}, 'x y', 1.5]) yield put(wrong);
    for (const one of spoiled(member)) yield put(one);
  }
}

test('an entry is what it was, in each of its states', () => {
  const states: TableState[] = [
    { state: 'streaming' },
    { state: 'stale', since: 0x16b3748n, reason: 'it was rewritten' },
    { state: 'halted', code: 'names_moved' },
    { state: 'absent' },
  ];
  for (const state of states) assert.deepEqual(entryFromJson(entryToJson({ ...entry, state })), { ...entry, state });
});

test('an entry of an older pgveil lacks what did not exist', () => {
  const { formerly, fingerprint, order, ...older } = entry;
  assert.deepEqual(entryFromJson(JSON.stringify(older)), { ...entry, formerly: [], fingerprint: null });
});

test('what is no entry is refused, whatever is wrong with it', () => {
  for (const json of ['', '{', 'null', '1', '[]', '{}']) assert.throws(() => entryFromJson(json));
  const { formerly, fingerprint, order, plan, key, ...checked } = entry;
  for (const one of spoiled(checked)) {
    const json = JSON.stringify({ formerly, fingerprint, order, plan, key, ...(one as object) });
    if (!isStillOne(json)) assert.throws(() => entryFromJson(json), json);
  }
  for (const state of ['toString', 'stale', 'halted', null]) {
    assert.throws(() => entryFromJson(JSON.stringify({ ...entry, state: { state } })));
  }
  const stale = { state: 'stale', since: 'soon', reason: 'so it was' };
  assert.throws(() => entryFromJson(JSON.stringify({ ...entry, state: stale })), TypeError);
});

/** Where a text may be any text. */
function isStillOne(json: string): boolean {
  return json.includes('"name":"x y"') || json.includes('"identity":"x y"');
}

test('a position is what it was, and what is none is refused', () => {
  for (const one of [position, { ...position, witness: null }]) assert.deepEqual(positionOf(storedPosition(one)), one);
  const stored = storedPosition(position);
  for (const one of spoiled({ pos: stored.pos, witness: stored.witness })) {
    assert.throws(() => positionOf({ ...stored, ...(one as object) }), JSON.stringify(one));
  }
  for (const one of spoiled(history)) {
    const { systemIdentifier, slot } = one as typeof history;
    if (systemIdentifier === 'x y' || slot === 'x y') continue;
    assert.throws(() => positionOf({ ...stored, history: one as typeof history }), JSON.stringify(one));
  }
});

test('what cannot be read is told by its place, never by what it is', () => {
  const read = () => readStored('the object x', 'Do it.', () => JSON.parse('secret'));
  assert.throws(read, (error: PgveilError) => {
    assert.deepEqual([error.code, error.fix], ['checkpoint_damaged', 'Do it.']);
    assert.equal(error.message, 'the object x is not what pgveil wrote there');
    return true;
  });
  const newer = new PgveilError('newer_checkpoint', 'newer');
  assert.throws(
    () =>
      readStored('the object x', 'Do it.', () => {
        throw newer;
      }),
    newer,
  );
});
