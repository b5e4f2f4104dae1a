import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type Before, RowEncoder } from '../../../sinks/postgres/encode.ts';
import { ByteWriter } from '../../../src/core/bytes.ts';
import { type Row, sketchTable, type TableSketch, tuple, UNCHANGED } from '../../support/batches.ts';

const TABLE: TableSketch = { relation: 't', columns: { id: 'bigint', a: 'text', b: 'text' }, key: ['id'] };

function encode(row: Row, before: Before = { before: null, beforeIs: 'key' }, sketch = TABLE) {
  const out = new ByteWriter(16);
  const encoder = new RowEncoder(sketchTable(sketch), false);
  encoder.append(out, tuple(row), before);
  return { line: out.view().toString(), unchanged: encoder.unchanged };
}

describe('a line of COPY text', () => {
  test('the columns, then the key', () => {
    assert.equal(encode(['1', 'x', 'y']).line, '1\tx\ty\t1\n');
  });

  test('NULL and the empty string are not the same', () => {
    assert.equal(encode(['1', null, '']).line, '1\t\\N\t\t1\n');
  });

  test('what COPY gives a meaning is escaped', () => {
    assert.equal(encode(['1', 'tab\tnl\ncr\r', '\\N \\.']).line, '1\ttab\\tnl\\ncr\\r\t\\\\N \\\\.\t1\n');
  });

  test('a composite key is escaped twice: for JSON, then for COPY', () => {
    const sketch = { ...TABLE, key: ['id', 'a'] };
    assert.equal(encode(['1', 'a"\n', null], undefined, sketch).line, '1\ta"\\n\t\\N\t["1","a\\\\"\\\\n"]\n');
  });
});

describe('a cell that was not sent', () => {
  test('is noted, and says NULL in the line', () => {
    const { line, unchanged } = encode(['1', UNCHANGED, 'y']);
    assert.equal(line, '1\t\\N\ty\t1\n');
    assert.deepEqual(unchanged, [1]);
  });

  test('comes from the old image where that is the whole row', () => {
    const { line, unchanged } = encode(['1', UNCHANGED, 'y'], { before: tuple(['1', 'old', 'y']), beforeIs: 'row' });
    assert.equal(line, '1\told\ty\t1\n');
    assert.deepEqual(unchanged, []);
  });

  test('does not come from an old image that is the key alone, except in the key', () => {
    const before = { before: tuple(['1', 'long key', null]), beforeIs: 'key' } as const;
    const { line, unchanged } = encode(['2', UNCHANGED, UNCHANGED], before, { ...TABLE, key: ['a'] });
    assert.equal(line, '2\tlong key\t\\N\tlong key\n');
    assert.deepEqual(unchanged, [2]);
  });

  test('of the row before is no cell of this one', () => {
    const out = new ByteWriter();
    const encoder = new RowEncoder(sketchTable(TABLE), false);
    encoder.append(out, tuple(['1', UNCHANGED, 'y']));
    const { unchanged } = encoder;
    encoder.append(out, tuple(['2', 'x', 'y']));
    assert.deepEqual([unchanged, encoder.unchanged], [[1], []]);
  });
});
