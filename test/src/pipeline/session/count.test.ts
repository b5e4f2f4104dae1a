import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RedactedBatch } from '../../../../src/core/batch.ts';
import type { Observation } from '../../../../src/core/observer.ts';
import { countChanges } from '../../../../src/pipeline/session/count.ts';

function counted(batch: Record<string, unknown>): Observation[] {
  const seen: Observation[] = [];
  countChanges(batch as unknown as RedactedBatch, (one) => seen.push(one));
  return seen;
}

test('changes are counted per batch and table, reads of a copy are not', () => {
  const [a, b] = [{ name: 'public.a' }, { name: 'public.b' }];
  const changes = [a, a, b, a].map((table) => ({ table }));
  assert.deepEqual(counted({ chunk: null, changes }), [
    { type: 'changes', table: 'public.a', rows: 3 },
    { type: 'changes', table: 'public.b', rows: 1 },
  ]);
  assert.deepEqual(counted({ chunk: {}, changes }), []);
  assert.deepEqual(counted({ chunk: null, changes: [] }), []);
});
