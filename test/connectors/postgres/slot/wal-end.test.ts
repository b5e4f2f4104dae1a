import assert from 'node:assert/strict';
import { test } from 'node:test';
import { endOfWal } from '../../../../connectors/postgres/slot/wal-end.ts';

/** A server that answers so, one time after another, and the last for ever. */
function server(...ends: readonly [inserted: bigint, flushed: bigint][]) {
  let asked = 0;
  return async () => {
    const [inserted, flushed] = ends[Math.min(asked++, ends.length - 1)]!;
    return { inserted, flushed, delay: 10 };
  };
}

test('where all is on disk nobody waits', async () => {
  assert.equal(await endOfWal(server([100n, 100n], [300n, 300n])), 100n);
});

test('a commit whose WAL is flushed long after three delays of the WAL writer is waited for', async () => {
  const late = Array.from({ length: 20 }, () => [120n, 80n] as [bigint, bigint]);
  assert.equal(await endOfWal(server([100n, 80n], ...late, [200n, 150n])), 150n);
});

test('what is never flushed belongs to no commit, and the end is one that the stream reaches', async () => {
  assert.equal(await endOfWal(server([8216n, 8192n])), 8192n);
});
