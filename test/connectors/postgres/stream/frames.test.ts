import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Frames } from '../../../../connectors/postgres/stream/frames.ts';

function message(type: string, body: string): Buffer {
  const bytes = Buffer.alloc(5 + body.length);
  bytes.write(type);
  bytes.writeUInt32BE(4 + body.length, 1);
  bytes.write(body, 5);
  return bytes;
}

const wire = Buffer.concat([message('d', 'one'), message('Z', ''), message('d', 'x'.repeat(40)), message('N', 'four')]);
const expected = ['d:one', 'Z:', `d:${'x'.repeat(40)}`, 'N:four'];

/** Copies, as a reader that keeps nothing would see them. */
function cut(frames: Frames, chunk: Buffer): string[] {
  return [...frames.cut(chunk)].map(
    ({ type, bytes, start, end }) => `${String.fromCharCode(type)}:${bytes.toString('utf8', start, end)}`,
  );
}

test('messages come out whole wherever the chunks are cut', () => {
  for (let first = 0; first <= wire.length; first++) {
    for (let second = first; second <= wire.length; second++) {
      const frames = new Frames();
      const pieces = [wire.subarray(0, first), wire.subarray(first, second), wire.subarray(second)];
      assert.deepEqual(
        pieces.flatMap((piece) => cut(frames, piece)),
        expected,
      );
    }
  }
});

test('messages come out whole when they arrive byte by byte', () => {
  const frames = new Frames();
  const bytes = [...wire].map((_, i) => wire.subarray(i, i + 1));
  assert.deepEqual(
    bytes.flatMap((byte) => cut(frames, byte)),
    expected,
  );
});

test('a message keeps its bytes while later chunks are cut', () => {
  const frames = new Frames();
  const [first] = [...frames.cut(Buffer.from(wire.subarray(0, 20)))];
  for (const chunk of [wire.subarray(20), wire, wire]) cut(frames, Buffer.from(chunk));
  assert.equal(first!.bytes.toString('utf8', first!.start, first!.end), 'one');
});

test('a message that spans chunks gets memory of its own, of its size', () => {
  const frames = new Frames();
  const size = 8 * 1024 * 1024;
  const large = Buffer.alloc(size + 5, 'y');
  large.write('d');
  large.writeUInt32BE(size + 4, 1);
  const cuts = [];
  for (let at = 0; at < large.length; at += 65_536) cuts.push(...frames.cut(large.subarray(at, at + 65_536)));
  assert.equal(cuts.length, 1);
  assert.equal(cuts[0]!.bytes.buffer.byteLength, size);
  assert.ok(cuts[0]!.bytes.equals(large.subarray(5)));
});

test('an impossible length is an error of ours and allocates nothing', () => {
  for (const length of [0, 3, 0x40000005, 0xffffffff]) {
    const header = Buffer.from('d....');
    header.writeUInt32BE(length, 1);
    assert.throws(() => [...new Frames().cut(header)], { name: 'PgveilError', code: 'protocol_violation' });
  }
});
