import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Acks } from '../../../../src/pipeline/session/acks.ts';

test('the slot follows the slowest sink', () => {
  const acks = new Acks(
    10n,
    new Map([
      ['a', 10n],
      ['b', 10n],
    ]),
  );
  assert.equal(acks.durable('a', 30n), null);
  assert.equal(acks.durable('b', 20n), 20n);
  assert.equal(acks.durable('b', 40n), 30n);
});

test('a sink without a position holds the slot', () => {
  const acks = new Acks(
    0n,
    new Map([
      ['a', 5n],
      ['b', null],
    ]),
  );
  assert.equal(acks.durable('a', 50n), null);
  assert.equal(acks.least, null);
  assert.equal(acks.durable('b', 7n), 7n);
});

test('no position moves back, and none is acknowledged twice', () => {
  const acks = new Acks(10n, new Map([['a', 10n]]));
  assert.equal(acks.durable('a', 20n), 20n);
  assert.equal(acks.durable('a', 15n), null);
  assert.equal(acks.least, 20n);
  assert.equal(acks.durable('a', 20n), null);
});
