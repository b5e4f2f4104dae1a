import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Blockages } from '../../../sinks/postgres/blockages.ts';
import type { Observation } from '../../../src/core/observer.ts';

const alice = { pid: '7', gid: null, application: 'psql', user: 'alice' };
const hidden = { pid: '8', gid: null, application: null, user: null };
const prepared = { pid: '0', gid: 'left', application: null, user: null };

function watched() {
  const told: Observation[] = [];
  const blockages = new Blockages('twin', (seen) => told.push(seen));
  const last = () => told.flatMap((seen) => (seen.type === 'sink alarm' ? [seen] : [])).at(-1)!;
  return { told, last, first: blockages.ofSession(), second: blockages.ofSession() };
}

test('who holds a lock is told once, whoever waits for it, and once more when nobody waits any more', () => {
  const { told, last, first, second } = watched();
  first([alice]);
  second([alice]);
  first([alice]);
  first([]);
  const alarm = { type: 'sink alarm', sink: 'twin', code: 'twin_blocked', isOver: false };
  const message = 'sink twin waits for a lock of pid 7 (psql, alice)';
  const fix = 'Wait for them to end, or end them: SELECT pg_terminate_backend(7);';
  assert.deepEqual(told, [{ ...alarm, message, fix }]);
  second([]);
  assert.equal(told.length, 2);
  assert.deepEqual([last().message, last().isOver], [message, true]);
});

test('another holder is told anew', () => {
  const { last, first, second } = watched();
  first([alice]);
  second([hidden]);
  assert.equal(last().message, 'sink twin waits for a lock of pid 7 (psql, alice), pid 8');
  first([]);
  assert.deepEqual([last().message, last().isOver], ['sink twin waits for a lock of pid 8', false]);
});

test('a prepared transaction, which no process holds, is named by its identifier', () => {
  const { last, first } = watched();
  first([prepared]);
  assert.equal(last().message, "sink twin waits for a lock of the prepared transaction 'left'");
  assert.equal(last().fix, "Wait for them to end, or end them: COMMIT PREPARED or ROLLBACK PREPARED 'left';");
});
