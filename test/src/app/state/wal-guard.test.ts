import assert from 'node:assert/strict';
import { test } from 'node:test';
import { WalGuard } from '../../../../src/app/state/wal-guard.ts';
import type { Observation, SlotSeen } from '../../../../src/core/observer.ts';

const SECOND = 1000;
const MB = 1024 ** 2;

/** A guard that alarms at 100 MB and a minute, a clock, and what it told. */
function guard() {
  const told: Observation[] = [];
  let now = 0;
  const watched = new WalGuard(
    { retained: 100 * MB, timeLeftMs: 60 * SECOND },
    (seen) => told.push(seen),
    () => now,
  );
  const look = (seen: Partial<SlotSeen>, afterMs = 10 * SECOND) => {
    now += afterMs;
    told.length = 0;
    const slot = {
      type: 'slot',
      name: 's',
      end: 0n,
      retainedBytes: 0,
      walStatus: 'reserved',
      safeBytes: null,
    } as const;
    watched.observe({ ...slot, ...seen });
    return told.map((seen) => (seen.type === 'wal alarm' ? `${seen.code} ${seen.isOver ? 'ends' : 'begins'}` : seen));
  };
  /** The copy under a slot is over. */
  const over = (name: string) => {
    told.length = 0;
    watched.observeCopy({ type: 'copy slot', name, seen: null });
    return told.map((seen) => (seen.type === 'wal alarm' ? `${seen.code} ${seen.isOver ? 'ends' : 'begins'}` : seen));
  };
  return { look, over, told };
}

const alarms = (told: readonly unknown[]) => told.filter((seen) => typeof seen === 'string');

test('time left is what is safe, by the rate at which the server writes', () => {
  const { look } = guard();
  assert.deepEqual(look({ end: 0n, safeBytes: 9000 * MB }), [
    { type: 'wal', slot: 's', bytesPerSecond: null, secondsLeft: null },
  ]);
  assert.deepEqual(look({ end: BigInt(100 * MB), safeBytes: 9000 * MB }), [
    { type: 'wal', slot: 's', bytesPerSecond: 10 * MB, secondsLeft: 900 },
  ]);
});

test('without a limit, or without a byte written, no time is running out; a lost slot has none left', () => {
  const { look } = guard();
  look({ end: 0n });
  assert.deepEqual(look({ end: 100n, safeBytes: null }), [
    { type: 'wal', slot: 's', bytesPerSecond: 10, secondsLeft: null },
  ]);
  const idle = guard();
  idle.look({ end: 5n, safeBytes: 7 });
  assert.deepEqual(idle.look({ end: 5n, safeBytes: 7 }), [
    { type: 'wal', slot: 's', bytesPerSecond: 0, secondsLeft: null },
  ]);
  assert.deepEqual(idle.look({ end: 6n, walStatus: 'lost' }).slice(1), ['wal_time_left begins']);
});

test('an alarm about retained WAL begins once at its level, and ends once when it is well below', () => {
  const { look, told } = guard();
  assert.deepEqual(alarms(look({ retainedBytes: 99 * MB })), []);
  assert.deepEqual(alarms(look({ retainedBytes: 100 * MB })), ['wal_retained begins']);
  assert.match(JSON.stringify(told.slice(1)), /the slot s keeps 100 MB of WAL on the source/);
  assert.deepEqual(alarms(look({ retainedBytes: 500 * MB })), []);
  assert.deepEqual(alarms(look({ retainedBytes: 95 * MB })), [], 'it does not flutter about its level');
  assert.deepEqual(alarms(look({ retainedBytes: 79 * MB })), ['wal_retained ends']);
  assert.deepEqual(alarms(look({ retainedBytes: 79 * MB })), []);
});

test('an alarm about time begins when the source writes fast, and ends when it rests', () => {
  const { look, told } = guard();
  const safeBytes = 500 * MB;
  look({ end: 0n, safeBytes });
  assert.deepEqual(alarms(look({ end: BigInt(100 * MB), safeBytes })), ['wal_time_left begins']);
  assert.match(JSON.stringify(told.slice(1)), /10 MB of WAL a second: .* it is lost in 0:50/);
  const ended = Array.from({ length: 30 }, () => alarms(look({ end: BigInt(100 * MB), safeBytes }))).flat();
  assert.deepEqual(ended, ['wal_time_left ends']);
});

test('each slot has alarms of its own, and one rate between them', () => {
  const { look } = guard();
  look({ end: 0n });
  assert.deepEqual(look({ end: 100n, name: 's' }), [{ type: 'wal', slot: 's', bytesPerSecond: 10, secondsLeft: null }]);
  assert.deepEqual(look({ end: 101n, name: 'parked', retainedBytes: 200 * MB }, 1), [
    { type: 'wal', slot: 'parked', bytesPerSecond: 10, secondsLeft: null },
    'wal_retained begins',
  ]);
  assert.deepEqual(alarms(look({ name: 's', retainedBytes: 1 * MB }, 1)), []);
});

test('alarms about the slot of a copy end with the copy, and those of others do not', () => {
  const { look, over } = guard();
  look({ name: 's', retainedBytes: 100 * MB });
  look({ name: 'pgveil_copy_1', retainedBytes: 100 * MB });
  assert.deepEqual(over('pgveil_copy_1'), ['wal_retained ends']);
  assert.deepEqual(over('pgveil_copy_1'), []);
  assert.deepEqual(alarms(look({ name: 's', retainedBytes: 1 })), ['wal_retained ends']);
});
