import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CommittedRecord } from '../../../../sinks/kafka/client/committed.ts';
import { RowReader } from '../../../../sinks/kafka/verify/row-hashes.ts';
import { KEY_SPACE, TopicFold } from '../../../../sinks/kafka/verify/topic-fold.ts';
import { DIGEST_BYTES, keyOf, rowOf, versionOf } from '../../../../src/core/digest.ts';
import { sketchTable } from '../../../support/batches.ts';

const table = sketchTable({ relation: 'x', columns: { a: 'integer', b: 'text' }, key: ['a'] });
const reader = new RowReader(table, 'flat');

let seq = 0;

function record(key: string | Buffer, op: string, row: object | null, generation = 1): CommittedRecord {
  const headers = { op, generation, commit_lsn: '0/1', seq: ++seq };
  return {
    offset: 0n,
    key: Buffer.from(key),
    value: row && Buffer.from(JSON.stringify(row)),
    headers: Object.entries(headers).map(([name, text]) => [Buffer.from(`pgveil.${name}`), Buffer.from(String(text))]),
  };
}

/** By hash of the key, the row's and its version's. */
function foldOf(records: readonly CommittedRecord[], most?: number): { rows: Map<string, string[]>; readings: number } {
  const rows = new Map<string, string[]>();
  let readings = 0;
  for (let from = 0; from < KEY_SPACE; readings++) {
    const fold = new TopicFold(reader, from, most);
    for (const one of records) fold.take(one);
    for (const digests of fold.digests()) {
      for (let at = 0; at < digests.length; at += DIGEST_BYTES) {
        assert.ok(!rows.has(keyOf(digests, at)), 'a key comes once');
        rows.set(keyOf(digests, at), [rowOf(digests, at), versionOf(digests, at)]);
      }
    }
    from = fold.to;
  }
  return { rows, readings };
}

function rowsOf(records: readonly CommittedRecord[]): (string | undefined)[] {
  return [...foldOf(records).rows.values()].map(([row]) => row);
}

const COPIED = Buffer.concat([Buffer.of(0xff), Buffer.from('copy_end')]);
const TRUNCATE = Buffer.concat([Buffer.of(0xff), Buffer.from('truncate')]);

test('of each key the last row counts, behind the last truncate', () => {
  const records = [
    record('gone', 'r', { a: 1, b: 1 }),
    record(TRUNCATE, 't', null),
    record('x', 'c', { a: 1, b: 1 }),
    record('y', 'c', { a: 1, b: 1 }),
    record('x', 'u', { a: 2, b: 'two' }),
    record('y', 'd', { a: 1 }),
    record('y', 'd', null),
  ];
  assert.deepEqual(rowsOf(records), rowsOf([record('x', 'r', { a: 2, b: 'two' })]));
});

test('a copy that came to its end ends what is of the generations below, also what still comes of them', () => {
  const records = [
    record('gone', 'r', { a: 1, b: 1 }),
    record('x', 'r', { a: 1, b: 1 }, 2),
    record(COPIED, 'copy_end', null, 2),
    record('late', 'u', { a: 2, b: 2 }),
    record('x', 'u', { a: 2, b: 'two' }, 2),
  ];
  assert.deepEqual(rowsOf(records), rowsOf([record('x', 'r', { a: 2, b: 'two' })]));
});

test('a generation that only another sink was copied for ends nothing', () => {
  const records = [
    record('x', 'r', { a: 1, b: 1 }),
    record('y', 'r', { a: 1, b: 'long' }),
    record(COPIED, 'copy_end', null),
    record('x', 'u', { a: 2, b: 'two' }, 2),
    record('y', 'u', { a: 3, __unchanged: ['b'] }, 2),
  ];
  const [x, y] = [record('x', 'r', { a: 2, b: 'two' }), record('y', 'r', { a: 3, b: 'long' })];
  assert.deepEqual(rowsOf(records), rowsOf([x, y]));
});

test('a value that was not sent is that of the record before, also where that had none', () => {
  const sent = rowsOf([record('x', 'r', { a: 1, b: 'long' })]);
  const first = record('x', 'c', { a: 0, b: 'long' });
  assert.deepEqual(rowsOf([first, record('x', 'u', { a: 1, __unchanged: ['b'] })]), sent);
  assert.deepEqual(rowsOf([first, record('x', 'u', { a: 1, b: '__debezium_unavailable_value' })]), sent);
});

test('a row of which nobody sent a value is never the same twice', () => {
  const records = [record('x', 'u', { a: 1, __unchanged: ['b'] })];
  assert.notDeepEqual(foldOf(records).rows, foldOf(records).rows);
  const whole = [...records, record('x', 'u', { a: 1, b: 2 })];
  assert.deepEqual(foldOf(whole).rows, foldOf(whole).rows);
});

test('more keys than fit are read in parts, each key in one of them', () => {
  const records = Array.from({ length: 500 }, (_, at) => record(`key ${at}`, 'r', { a: at, b: at }));
  const { rows, readings } = foldOf(records, 50);
  assert.ok(readings >= 10);
  assert.deepEqual(new Map([...rows].sort()), new Map([...foldOf(records).rows].sort()));
});
