import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Lag } from '../../../../src/app/state/lag.ts';
import type { Lsn } from '../../../../src/core/lsn.ts';

const SECOND = 1000;
const HOUR = 3600 * SECOND;
const NOW = Date.UTC(2026, 0, 1);
const POSTGRES_EPOCH_MS = Date.UTC(2000, 0, 1);

/** A sink that holds all up to 100 of the stream that it follows, a clock that goes on by hand, and a server that is looked at every ten seconds. */
function follow() {
  let now = NOW;
  let end: Lsn = 100n;
  const lag = new Lag(now);
  const begin = (pos: Lsn) => {
    lag.durable(pos);
    lag.confirmed();
    lag.received(pos, null);
    lag.durable(pos);
  };
  begin(100n);
  return {
    lag,
    begin,
    age: () => lag.ageMs(now),
    interrupt: () => lag.interrupt(now),
    /** The server writes that much in each of so many times ten seconds; `then`: what comes in meanwhile. */
    pass(ms: number, bytes: bigint, then: (end: Lsn) => void = () => {}) {
      for (const until = now + ms; now < until; now += 10 * SECOND) {
        lag.seen(end, now);
        then(end);
        end += bytes;
      }
    },
    commit: (pos: Lsn, ago = 0) => lag.received(pos, BigInt(now - ago - POSTGRES_EPOCH_MS) * 1000n),
  };
}

test('an idle source lags by nothing, though vacuum and other databases write, and a sink that gathers makes nothing durable', () => {
  const { lag, pass, age } = follow();
  let before: Lsn | null = null;
  pass(2 * HOUR, 1_000_000n, (end) => {
    // The server says how far it is only when it is asked, ten seconds later.
    if (before !== null) lag.reached(before);
    before = end;
    assert.equal(age(), 0);
  });
});

test('an idle source that writes nothing at all lags by nothing', () => {
  const { pass, age } = follow();
  pass(HOUR, 0n);
  assert.equal(age(), 0);
});

test('on a busy source a sink lags by the oldest commit that it lacks', () => {
  const { lag, pass, age, commit } = follow();
  pass(HOUR, 1_000_000n, (end) => {
    lag.durable(end - 500n);
    commit(end, 700);
    assert.equal(age(), 700);
  });
});

test('where nothing comes in a sink lags since the WAL was seen to end behind what it has, at first within the half minute that this may take', () => {
  const { lag, pass, age } = follow();
  pass(10 * SECOND, 50n); // it ended where the stream is
  pass(20 * SECOND, 50n);
  assert.equal(age(), 0);
  pass(10 * SECOND, 50n);
  assert.equal(age(), 30 * SECOND);
  pass(HOUR, 50n);
  assert.equal(age(), HOUR + 30 * SECOND);
  lag.reached(1_000_000n);
  assert.equal(age(), 0, 'a long transaction on tables that are not listed came to its end');
});

test('a sink that waits for the others lags by what is not read for it, and by less as reading goes on', () => {
  const { lag, pass, age } = follow();
  pass(2 * HOUR, 1000n);
  lag.received(360_000n, null);
  lag.durable(360_000n);
  const missing = age() / HOUR;
  assert.ok(missing > 0.9 && missing < 1.1, String(missing));
});

test('however long nothing comes in, the time is told as it is', () => {
  const { pass, age } = follow();
  pass(240 * HOUR, 1000n);
  assert.equal(age(), 240 * HOUR - 10 * SECOND);
});

test('what came in and was not durable when the stream ended is as old as ever until the next one has brought it', () => {
  const { lag, pass, age, interrupt, begin, commit } = follow();
  pass(10 * SECOND, 100n);
  commit(200n, HOUR);
  interrupt();
  assert.equal(age(), HOUR);
  begin(100n);
  pass(60 * SECOND, 0n);
  assert.equal(age(), HOUR + 60 * SECOND);
  commit(200n, HOUR + 60 * SECOND);
  lag.durable(200n);
  assert.equal(age(), 0);
});

test('what is on its way for too long is so in the next stream as well', () => {
  const { pass, age, interrupt, begin } = follow();
  pass(10 * SECOND, 50n);
  pass(HOUR, 50n);
  interrupt();
  begin(100n);
  assert.equal(age(), HOUR);
});

test('an idle source lags by nothing when it is read again', () => {
  const { lag, pass, age, interrupt, begin } = follow();
  pass(HOUR, 50n, (end) => lag.reached(end));
  interrupt();
  begin(100n);
  pass(20 * SECOND, 0n);
  assert.equal(age(), 0);
  lag.reached(1_000_000n);
  pass(HOUR, 0n);
  assert.equal(age(), 0);
});

test('a process that begins while nothing comes in lags since it is there, as if it had seen the end of the WAL before', () => {
  const lag = new Lag(NOW);
  lag.seen(5000n, NOW);
  assert.equal(lag.ageMs(NOW + SECOND), SECOND);
  lag.durable(100n);
  lag.confirmed();
  lag.durable(100n);
  assert.equal(lag.ageMs(NOW + HOUR), HOUR);
});

test('after a promotion nothing is waited for that the new primary has not got', () => {
  const { lag, pass, age, interrupt, begin, commit } = follow();
  commit(900n, 60 * SECOND);
  pass(HOUR, 50n);
  interrupt();
  lag.seen(100n, NOW + HOUR);
  begin(100n);
  assert.equal(age(), 0);
});
