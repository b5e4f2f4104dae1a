import assert from 'node:assert/strict';
import { test } from 'node:test';
import { omitFrom } from '../../../../connectors/postgres/stream/omit.ts';
import { readRow } from '../../../../connectors/postgres/stream/pgoutput.ts';
import { cells } from '../following.ts';
import * as messages from '../messages.ts';

/** An update's two images without the cells at these positions, its message lying between other bytes. */
function omit(positions: readonly number[]): readonly (string | null)[] {
  const old = ['1', 'first', null, 'long '.repeat(9), 'last'];
  const message = messages.update(100, { O: old }, ['2', '', undefined, 'short', null]);
  const bytes = Buffer.concat([Buffer.from('before'), message, Buffer.from('behind')]);
  const row = readRow(bytes, 6, 6 + message.length, 5);
  const { op, before, beforeIs, after } = omitFrom(row, positions);
  assert.deepEqual([op, beforeIs], ['update', 'row']);
  assert.equal(bytes.toString('utf8', 0, 6) + bytes.toString('utf8', 6 + message.length), 'beforebehind');
  return [before && cells(before), after && cells(after)];
}

test('cells are left out of both images, at the front, at the end and in between', () => {
  assert.deepEqual(omit([1]), [`1|-|${'long '.repeat(9)}|last`, '2|~|short|-']);
  assert.deepEqual(omit([0, 3]), ['first|-|last', '|~|-']);
  assert.deepEqual(omit([2, 4]), [`1|first|${'long '.repeat(9)}`, '2||short']);
  assert.deepEqual(omit([0, 1, 2, 3, 4]), ['', '']);
});

test('an image that was not sent stays absent', () => {
  const message = messages.insert(100, ['1', 'generated']);
  const { before, after } = omitFrom(readRow(message, 0, message.length, 2), [1]);
  assert.deepEqual([before, after && cells(after)], [null, '1']);
});
