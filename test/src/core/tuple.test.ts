import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ByteWriter } from '../../../src/core/bytes.ts';
import { CELL_NULL, CELL_TEXT, CELL_UNCHANGED, CellReader } from '../../../src/core/tuple.ts';

test('the cells of a tuple are read in place, wherever the tuple starts', () => {
  const writer = new ByteWriter(4);
  writer.text('before');
  const start = writer.length;
  writer.uint16(4);
  writer.byte(CELL_TEXT);
  writer.uint32(5);
  writer.text('a\tü!');
  writer.byte(CELL_NULL);
  writer.byte(CELL_UNCHANGED);
  writer.byte(CELL_TEXT);
  writer.uint32(0);
  const bytes = writer.take();

  const cells = new CellReader();
  assert.equal(cells.open({ bytes, start, end: bytes.length }), 4);
  const seen: [number, string][] = [];
  for (let i = 0; i < 4; i++) {
    cells.next();
    seen.push([cells.kind, bytes.toString('utf8', cells.start, cells.end)]);
  }
  assert.deepEqual(seen, [
    [CELL_TEXT, 'a\tü!'],
    [CELL_NULL, ''],
    [CELL_UNCHANGED, ''],
    [CELL_TEXT, ''],
  ]);
});

test('a writer that grew keeps what was written, and forgets it when it hands over', () => {
  const writer = new ByteWriter(1);
  const text = 'x'.repeat(1000);
  writer.text(text);
  writer.copy(Buffer.from('0123456789'), 2, 5);
  const taken = writer.take();
  assert.equal(taken.toString(), `${text}234`);
  writer.text('new');
  assert.equal(taken.toString(), `${text}234`);
  assert.equal(writer.view().toString(), 'new');
});
