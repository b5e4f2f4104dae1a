import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Lsn } from '../../../../src/core/lsn.ts';
import * as messages from '../messages.ts';
import { insert, open } from '../opened-stream.ts';

test('it tells where it got to once nothing waits to be taken, and no more than that', async () => {
  const told: Lsn[] = [];
  const { stream, send } = open(true, (pos) => told.push(pos));
  stream.keepalive(205n);
  stream.tick();
  assert.deepEqual(told, [], 'nobody reads yet');
  stream.take();
  stream.tick();
  stream.tick();
  assert.deepEqual(told, [205n]);
  await send(...insert(210n, '1'));
  stream.keepalive(300n);
  stream.tick();
  assert.deepEqual(told, [205n], 'a transaction waits to be taken');
  while (stream.take()) {}
  stream.tick();
  assert.deepEqual(told, [205n, 300n]);
  await send(messages.begin(400n));
  stream.tick();
  await send(messages.commit(400n, 410n));
  stream.tick();
  assert.deepEqual(told, [205n, 300n, 410n], 'a transaction with nothing in it for us');
});
