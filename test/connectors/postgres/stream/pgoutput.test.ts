import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  readBegin,
  readCommit,
  readRelation,
  readRow,
  readRowOid,
  readTruncate,
} from '../../../../connectors/postgres/stream/pgoutput.ts';
import { CELL_NULL, CELL_TEXT, CellReader, type Tuple } from '../../../../src/core/tuple.ts';
import * as messages from '../messages.ts';

type Read<T> = (bytes: Buffer, start: number, end: number) => T;

/** Reads a message that lies between others. */
function within<T>(read: Read<T>, message: Buffer): T {
  const bytes = Buffer.concat([Buffer.alloc(7, 'n'), message, Buffer.alloc(9, 't')]);
  return read(bytes, 7, 7 + message.length);
}

const row: Read<ReturnType<typeof readRow>> = (bytes, start, end) => readRow(bytes, start, end, 2);

function cells(tuple: Tuple<'raw'> | null): messages.Cell[] | null {
  if (!tuple) return null;
  const reader = new CellReader();
  return Array.from({ length: reader.open(tuple) }, () => {
    reader.next();
    if (reader.kind === CELL_TEXT) return reader.bytes.toString('utf8', reader.start, reader.end);
    return reader.kind === CELL_NULL ? null : undefined;
  });
}

test('BEGIN and COMMIT give 64-bit positions, a negative time and a 32-bit xid unharmed', () => {
  const clsn = 0xfedcba98_76543210n;
  assert.deepEqual(within(readBegin, messages.begin(clsn, 0xfffffffe, -1n & 0xffffffffffffffffn)), {
    clsn,
    xid: 0xfffffffe,
    commitTime: -1n,
  });
  assert.equal(within(readCommit, messages.commit(5n, 0xffffffff_00000001n)), 0xffffffff_00000001n);
});

test('RELATION gives names as they are, oids above 2^31, a modifier of -1 and key flags', () => {
  const parts = {
    oid: 4_294_967_295,
    schema: 'Ünïcode "s"',
    relation: '🐘',
    identity: 'i',
    columns: [
      { name: '', type: 25, modifier: -1, key: true },
      { name: '__proto__', type: 4_000_000_000, modifier: 44, key: false },
    ],
  };
  assert.deepEqual(within(readRelation, messages.relation(parts)), parts);
  assert.equal(within(readRelation, messages.relation({ ...parts, schema: '' })).schema, 'pg_catalog');
});

test('rows give NULL, unchanged and text cells, before and after', () => {
  const inserted = within(row, messages.insert(9, ['', null]));
  assert.deepEqual([inserted.op, cells(inserted.before), cells(inserted.after)], ['insert', null, ['', null]]);
  const cases = [
    [messages.update(9, null, ['1', undefined]), 'update', null, null, ['1', undefined]],
    [messages.update(9, { K: ['1', null] }, ['2', 'x']), 'update', 'key', ['1', null], ['2', 'x']],
    [messages.update(9, { O: ['1', 'old'] }, ['2', undefined]), 'update', 'row', ['1', 'old'], ['2', undefined]],
    [messages.remove(9, 'K', ['1', null]), 'delete', 'key', ['1', null], null],
    [messages.remove(9, 'O', ['1', 'ä']), 'delete', 'row', ['1', 'ä'], null],
  ] as const;
  for (const [message, op, beforeIs, before, after] of cases) {
    const read = within(row, message);
    assert.deepEqual([read.op, cells(read.before), cells(read.after)], [op, before, after]);
    if (beforeIs) assert.equal(read.beforeIs, beforeIs);
    assert.equal(within(readRowOid, message), 9);
  }
});

test('a tuple is a view that ends where its cells end', () => {
  const message = messages.update(9, { K: ['1', null] }, ['2', 'x']);
  const { before, after } = readRow(message, 0, message.length, 2);
  assert.equal(before!.bytes, message);
  assert.equal(message[before!.end], 'N'.charCodeAt(0));
  assert.equal(after!.end, message.length);
});

test('TRUNCATE gives every table', () => {
  assert.deepEqual(within(readTruncate, messages.truncate([7, 4_294_967_295, 9], 3)), [7, 4_294_967_295, 9]);
});

const whole: readonly (readonly [string, Read<unknown>, Buffer])[] = [
  ['BEGIN', readBegin, messages.begin(1n)],
  ['COMMIT', (b, s, e) => readCommit(b, s, e), messages.commit(1n, 2n)],
  ['RELATION', readRelation, messages.relation(messages.relationOf(messages.table(7, 't')))],
  ['INSERT', row, messages.insert(7, ['secret', null])],
  ['UPDATE', row, messages.update(7, { O: ['secret', null] }, ['secret', undefined])],
  ['DELETE', row, messages.remove(7, 'K', ['secret', null])],
  ['TRUNCATE', readTruncate, messages.truncate([7, 8])],
];

for (const [name, read, message] of whole) {
  test(`a ${name} that ends too early, at any byte, is a protocol violation without a value in its text`, () => {
    within(read, message);
    // COMMIT's last 8 bytes are the time once more, which nobody needs.
    const needed = name === 'COMMIT' ? message.length - 8 : message.length;
    for (let length = 1; length < needed; length++) {
      assert.throws(
        () => within(read, message.subarray(0, length)),
        (error: Error & { code?: string }) => error.code === 'protocol_violation' && !/secret/.test(error.message),
      );
    }
  });
}

test('whatever byte of a row is changed, reading it gives a row inside the message or a protocol violation', () => {
  for (const [, , message] of whole.slice(3, 6)) {
    for (let at = 1; at < message.length; at++) {
      for (const byte of [0x00, 0x7f, 0xff, 0x6e, 0x62]) {
        const changed = Buffer.from(message);
        changed[at] = byte;
        try {
          const { before, after } = within(row, changed);
          for (const tuple of [before, after]) assert.ok(!tuple || tuple.end <= 7 + message.length);
        } catch (error) {
          assert.equal((error as { code?: string }).code, 'protocol_violation');
        }
      }
    }
  }
});

test('a row of another number of columns than its RELATION, and a binary cell, are protocol violations', () => {
  assert.throws(() => within(row, messages.insert(7, ['a'])), { code: 'protocol_violation' });
  const binary = messages.insert(7, ['a', 'b']);
  binary[binary.indexOf('t')] = 'b'.charCodeAt(0);
  assert.throws(() => within(row, binary), { code: 'protocol_violation' });
});
