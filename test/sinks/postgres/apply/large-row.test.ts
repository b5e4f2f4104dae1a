import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { RowEncoder } from '../../../../sinks/postgres/apply/encode.ts';
import { isLarge, linePieces } from '../../../../sinks/postgres/apply/large-row.ts';
import { twinTable } from '../../../../sinks/postgres/twin-table.ts';
import { ByteWriter } from '../../../../src/core/bytes.ts';
import { type Row, sketchTable, tuple } from '../../../support/batches.ts';

const LAYOUT = { pipeline: 'shop', types: new Map(), sourcePrimaryKey: 'source_primary_key' };
const PIECE = 256 * 1024;

/** The line in pieces, and in one go. */
function encode(row: Row, key: readonly string[] = ['id']) {
  const table = sketchTable({ relation: 't', columns: { id: 'bigint', a: 'text', b: 'text' }, key });
  const whole = new ByteWriter(16);
  new RowEncoder(table, false).append(whole, tuple(row));
  return { pieces: [...linePieces(twinTable(table, LAYOUT), tuple(row))], whole: whole.view() };
}

function assertSame(row: Row, key?: readonly string[]): void {
  const { pieces, whole } = encode(row, key);
  assert.ok(Buffer.concat(pieces).equals(whole));
}

describe('a large row in pieces', () => {
  test('is the line that it would be in one go', () => {
    assertSame(['1', 'x'.repeat(PIECE * 3 + 5), null]);
    assertSame(['1', '', 'y'.repeat(PIECE)]);
    assertSame(['1', 'a"\n', '€'.repeat(PIECE)], ['id', 'a']);
  });

  test('what COPY gives a meaning is escaped wherever a piece ends', () => {
    for (const special of ['\\', '\t', '\n', '\r', '\\.\n']) {
      for (const before of [0, PIECE - 2, PIECE - 1, PIECE]) {
        assertSame(['1', `${'x'.repeat(before)}${special}${'x'.repeat(PIECE)}`, special]);
      }
    }
  });

  test('no piece is much longer than the others, and what needs no escape is not copied', () => {
    const { pieces } = encode(['1', '\t'.repeat(PIECE * 2), 'x'.repeat(PIECE * 2)]);
    assert.ok(pieces.every(({ length }) => length <= PIECE * 2));
    const plain = pieces.filter(({ length }) => length === PIECE);
    assert.equal(new Set(plain.map(({ buffer }) => buffer)).size, 1);
  });

  test('is one of a megabyte', () => {
    assert.ok(isLarge(tuple(['x'.repeat(1024 * 1024)])));
    assert.ok(!isLarge(tuple(['x'.repeat(1000)])));
  });
});
