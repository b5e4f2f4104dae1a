import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KeyStates, keyHash, MOST_SLOTS } from '../../../../sinks/kafka/compacted/key-states.ts';

const keys = (count: number) => Array.from({ length: count }, (_, i) => keyHash(Buffer.from(`key ${i}`)));

test('each key has the state that it got last', () => {
  const states = KeyStates.for(5000);
  const all = keys(5000);
  for (const key of all) states.set(key, true);
  assert.equal(states.gone, 5000);
  for (const [i, key] of all.entries()) if (i % 3 === 0) states.set(key, false);
  for (const [i, key] of all.entries()) assert.equal(states.isGone(key), i % 3 !== 0);
  assert.equal(states.gone, 5000 - Math.ceil(5000 / 3));
  assert.equal(states.isGone(keyHash(Buffer.from('another'))), false);
});

test('there is room for so many keys and no more, and those that are there go on changing', () => {
  const states = new KeyStates(1024);
  const [last, ...first] = keys(769).reverse();
  for (const key of first) assert.equal(states.set(key, true), true);
  assert.equal(states.set(last!, true), false);
  assert.equal(states.set(first[0]!, false), true);
  assert.equal(states.gone, 767);
});

test('memory is bounded, however many keys there are', () => {
  const before = process.memoryUsage().arrayBuffers;
  const states = KeyStates.for(1e9);
  const taken = process.memoryUsage().arrayBuffers - before;
  assert.ok(taken <= 17 * MOST_SLOTS + 1024, `${taken} bytes`);
  assert.equal(states.gone, 0);
});
