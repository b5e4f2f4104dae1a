import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isOver, type Snapshot } from '../../../../connectors/postgres/catalog/reading.ts';

test('a transaction is over below xmin, or below xmax unless it is listed as running', () => {
  const snapshot: Snapshot = { xmin: 100n, xmax: 110n, running: [100n, 105n] };
  assert.deepEqual(
    [99, 100, 101, 105, 109, 110, 111].map((xid) => isOver(xid, snapshot)),
    [true, false, true, false, true, false, false],
  );
});

test('the 32 bits of an xid are understood beside a snapshot of 64, also across a wrap-around', () => {
  const epoch = 5n << 32n;
  const snapshot: Snapshot = { xmin: epoch + 2n, xmax: epoch + 5n, running: [epoch + 2n] };
  assert.deepEqual(
    [0xfffffff0, 1, 2, 3, 5, 0x10].map((xid) => isOver(xid, snapshot)),
    [true, true, false, true, false, false],
  );
});
