import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ByteWriter } from '../../../src/core/bytes.ts';
import { RowDecoder } from '../../../src/postgres/copy-rows.ts';
import { writeField } from '../../../src/postgres/copy-text.ts';
import { cellsOf } from '../../connectors/postgres/parts.ts';

type Row = (string | null)[];

/** COPY's text format, as the server writes it. */
function copyText(rows: readonly Row[]): Buffer {
  const out = new ByteWriter();
  for (const row of rows) {
    row.forEach((cell, index) => {
      if (index > 0) out.text('\t');
      const bytes = Buffer.from(cell ?? '');
      if (cell === null) out.text('\\N');
      else writeField(out, bytes, 0, bytes.length);
    });
    out.text('\n');
  }
  return Buffer.from(out.view());
}

function decode(columns: number, pieces: readonly Buffer[]): Row[] {
  const decoder = new RowDecoder<'raw'>(columns);
  for (const piece of pieces) decoder.push(piece);
  return decoder.take().tuples.map(cellsOf);
}

const nasty: Row[] = [
  ['', null, '\\N', 'N'],
  ['\\', '\\\\', '\t', '\n'],
  ['\r\n', '\b\f\v', '\\.', 'a\\tb'],
  [null, null, null, null],
  ['ü€😀', '\u2028\u0001', 'x'.repeat(300), ' '],
  ['\\n', '\\\n', '\t\t', ''],
];

test('values with every escape, NULLs and empty strings come out as they were', () => {
  assert.deepEqual(decode(4, [copyText(nasty)]), nasty);
});

test('it does not matter where the text is cut', () => {
  const text = copyText(nasty);
  for (let at = 0; at <= text.length; at++) {
    assert.deepEqual(decode(4, [text.subarray(0, at), text.subarray(at)]), nasty, `cut at ${at}`);
  }
  const bytes = Array.from(text, (_, at) => text.subarray(at, at + 1));
  assert.deepEqual(decode(4, bytes), nasty, 'byte by byte');
});

test('rows stay as they are when the pieces they came from are written over', () => {
  const decoder = new RowDecoder<'raw'>(4);
  const shared = Buffer.alloc(7);
  const text = copyText(nasty);
  for (let at = 0; at < text.length; at += 7) {
    text.copy(shared, 0, at, at + 7);
    decoder.push(shared.subarray(0, Math.min(7, text.length - at)));
    shared.fill(0);
  }
  assert.deepEqual(decoder.take().tuples.map(cellsOf), nasty);
});

test('taking the finished rows keeps the one that was begun', () => {
  const text = copyText(nasty);
  for (let at = 0; at <= text.length; at++) {
    const decoder = new RowDecoder<'raw'>(4);
    decoder.push(text.subarray(0, at));
    const first = decoder.take().tuples.map(cellsOf);
    assert.equal(decoder.size, 0);
    decoder.push(text.subarray(at));
    assert.deepEqual([...first, ...decoder.take().tuples.map(cellsOf)], nasty, `taken at ${at}`);
    assert.deepEqual(decoder.take().tuples, []);
  }
});

test('a row without columns is a row, and a single empty string is not the same', () => {
  assert.deepEqual(decode(0, [Buffer.from('\n\n')]), [[], []]);
  assert.deepEqual(decode(1, [Buffer.from('\n\\N\n')]), [[''], [null]]);
});

test('a row of 100 MB is decoded in a time that grows with its size alone', () => {
  const piece = Buffer.alloc(64 * 1024, 'x');
  const timeOf = (megabytes: number) => {
    const decoder = new RowDecoder<'raw'>(2);
    const started = process.cpuUsage().user;
    for (let left = megabytes * 16; left > 0; left--) decoder.push(piece);
    decoder.push(Buffer.from('\tend\n'));
    const [tuple] = decoder.take().tuples;
    assert.equal(tuple!.end - tuple!.start, 2 + 5 + megabytes * 1024 * 1024 + 5 + 3);
    return process.cpuUsage().user - started;
  };
  timeOf(5);
  const small = Math.max(timeOf(10), 5_000);
  const large = timeOf(100);
  assert.ok(large < small * 40, `10 MB took ${small} µs, 100 MB took ${large} µs`);
});

test('what rows are said to hold is no less than they hold', () => {
  const decoder = new RowDecoder<'raw'>(4);
  for (let i = 0; i < 2000; i++) decoder.push(copyText(nasty));
  const { tuples, bytes } = decoder.take();
  assert.ok(bytes >= tuples.at(-1)!.bytes.buffer.byteLength);
});
