import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  ASK_AFTER_MS,
  GONE_AFTER_MS,
  Liveness,
  statusInterval,
} from '../../../../connectors/postgres/stream/liveness.ts';

test('a status goes out at least thrice in wal_sender_timeout, and once a second where that is long or off', () => {
  assert.equal(statusInterval(60_000), 1000);
  assert.equal(statusInterval(0), 1000);
  assert.equal(statusInterval(1_500), 500);
  assert.equal(statusInterval(1), 50);
});

/** Ticks once a second for so many seconds, not hearing anything, and gives what it said last. */
function silence(liveness: Liveness, from: number, to: number, listening = true): string {
  let said = '';
  for (let now = from; now <= to; now += 1000) said = liveness.tick(now, listening);
  return said;
}

test('a server that is silent is asked first and given up later', () => {
  const liveness = new Liveness(1000, 0);
  assert.equal(silence(liveness, 1000, ASK_AFTER_MS - 1000), 'well');
  assert.equal(silence(liveness, ASK_AFTER_MS, GONE_AFTER_MS - 1000), 'ask');
  assert.equal(silence(liveness, GONE_AFTER_MS, GONE_AFTER_MS), 'gone');
});

test('a sign of life starts the time anew', () => {
  const liveness = new Liveness(1000, 0);
  silence(liveness, 1000, 29_000);
  liveness.heard(29_500);
  assert.equal(silence(liveness, 30_000, 39_000), 'well');
});

test('a server that we do not listen to is not blamed for it, however long', () => {
  const liveness = new Liveness(1000, 0);
  assert.equal(silence(liveness, 1000, 3_600_000, false), 'well');
  assert.equal(silence(liveness, 3_601_000, 3_609_000), 'well');
});

test('a process that was stopped for minutes does not blame the server', () => {
  const liveness = new Liveness(1000, 0);
  silence(liveness, 1000, 5000);
  assert.equal(liveness.tick(300_000, true), 'well');
  assert.equal(silence(liveness, 301_000, 309_000), 'well');
  assert.equal(silence(liveness, 310_000, 330_000), 'gone');
});
