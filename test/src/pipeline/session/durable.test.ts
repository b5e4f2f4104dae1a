import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Lsn } from '../../../../src/core/lsn.ts';
import type { Observation } from '../../../../src/core/observer.ts';
import { Durable } from '../../../../src/pipeline/session/durable.ts';
import { positionAt, ScriptedSource } from '../parts.ts';

/** What the twin holds, where reading began at `from`; and what is told of it. */
function twin(from: Lsn | null) {
  const source = new ScriptedSource(() => []);
  const told: (Lsn | null)[] = [];
  const observe = (seen: Observation) => {
    if (seen.type === 'durable') told.push(seen.pos);
  };
  const position = from === null ? null : positionAt(from);
  const durable = new Durable({ source, observe }, new Map([['twin', from]]), new Map(), position);
  return { durable, told, source };
}

test('in a first copy no position is told, though the slot hears of it; at its end the last one is', () => {
  const { durable, told, source } = twin(null);
  durable.note('twin', 40n);
  durable.note('twin', 50n);
  assert.deepEqual([told, source.acked], [[], [40n, 50n]]);
  durable.tell();
  durable.note('twin', 60n);
  assert.deepEqual(told, [50n, 60n]);
});

test('after a first copy that was broken off the position where it began is one like any other', () => {
  const { durable, told } = twin(40n);
  durable.note('twin', 40n);
  assert.deepEqual(told, [40n]);
});
