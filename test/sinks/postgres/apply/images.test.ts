import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Images } from '../../../../sinks/postgres/apply/images.ts';
import { tuple, UNCHANGED } from '../../../support/batches.ts';

const textOf = ({ bytes, start, end }: { bytes: Buffer; start: number; end: number }) =>
  bytes.toString('latin1', start, end);

test('images stay as they were when more are kept, whatever their size', () => {
  const images = new Images();
  const originals = [1, 10, 1000, 5000, 300_000, 20, 2_000_000, 3].map((size, at) =>
    tuple([String(at), 'x'.repeat(size), null]),
  );
  const kept = originals.map((image) => images.keep(image));
  assert.deepEqual(kept.map(textOf), originals.map(textOf));
});

test('an image is completed from an older one, in the columns that it may speak of', () => {
  const images = new Images();
  const newer = tuple([UNCHANGED, 'new', UNCHANGED, UNCHANGED, null]);
  const older = tuple(['a', 'b', null, UNCHANGED, 'e']);
  const all = images.complete(newer, older, new Set([0, 1, 2, 3, 4]));
  assert.equal(textOf(all), textOf(tuple(['a', 'new', null, UNCHANGED, null])));
  const some = images.complete(newer, older, new Set([0]));
  assert.equal(textOf(some), textOf(tuple(['a', 'new', UNCHANGED, UNCHANGED, null])));
  const large = tuple(['x'.repeat(2_000_000), UNCHANGED]);
  assert.equal(
    textOf(images.complete(large, tuple([null, 'b']), new Set([0, 1]))),
    textOf(tuple(['x'.repeat(2_000_000), 'b'])),
  );
});
