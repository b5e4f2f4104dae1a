import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { RowEncoder } from '../../../../sinks/postgres/apply/encode.ts';
import { ByteWriter } from '../../../../src/core/bytes.ts';
import { type Row, sketchTable, type TableSketch, tuple } from '../../../support/batches.ts';

const TABLE: TableSketch = { relation: 't', columns: { id: 'bigint', a: 'text', b: 'text' }, key: ['id'] };

function encode(row: Row, sketch = TABLE): string {
  const out = new ByteWriter(16);
  new RowEncoder(sketchTable(sketch), false).append(out, tuple(row));
  return out.view().toString();
}

describe('a line of COPY text', () => {
  test('the columns, then the key', () => {
    assert.equal(encode(['1', 'x', 'y']), '1\tx\ty\t1\n');
  });

  test('NULL and the empty string are not the same', () => {
    assert.equal(encode(['1', null, '']), '1\t\\N\t\t1\n');
  });

  test('what COPY gives a meaning is escaped', () => {
    assert.equal(encode(['1', 'tab\tnl\ncr\r', '\\N \\.']), '1\ttab\\tnl\\ncr\\r\t\\\\N \\\\.\t1\n');
  });

  test('a long value too, wherever it stands', () => {
    const long = 'x'.repeat(2000);
    assert.equal(encode(['1', long, null]), `1\t${long}\t\\N\t1\n`);
    for (const [byte, escaped] of Object.entries({ '\\': '\\\\', '\t': '\\t', '\n': '\\n', '\r': '\\r' })) {
      assert.equal(encode(['1', `${long}${byte}`, `${byte}${long}`]), `1\t${long}${escaped}\t${escaped}${long}\t1\n`);
    }
  });

  test('a composite key is escaped twice: for JSON, then for COPY', () => {
    const sketch = { ...TABLE, key: ['id', 'a'] };
    assert.equal(encode(['1', 'a"\n', null], sketch), '1\ta"\\n\t\\N\t["1","a\\\\"\\\\n"]\n');
  });
});
