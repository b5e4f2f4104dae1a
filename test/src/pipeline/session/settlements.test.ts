import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RedactedBatch } from '../../../../src/core/batch.ts';
import { PgveilError } from '../../../../src/core/errors.ts';
import type { Parts } from '../../../../src/pipeline/parts.ts';
import { Settlements } from '../../../../src/pipeline/session/settlements.ts';

/** A copy of `public.a` that is finished, in a sink that says this of it; the tables whose copies came to nothing. */
function finished(error: Error) {
  const refused: string[] = [];
  const parts = {
    sinks: new Map([['twin', { settled: () => Promise.reject(error) }]]),
    source: { refused: (table: string) => refused.push(table) },
    observe() {},
  };
  const listener = { healed() {}, changed() {}, left: async () => false };
  const settlements = new Settlements(parts as unknown as Parts, listener);
  const events = [{ type: 'copy finished', table: { name: 'public.a', generation: 2 } }];
  return { refused, written: settlements.written({ events } as unknown as RedactedBatch) };
}

test('what speaks against a table ends the copy of that table', async () => {
  const { refused, written } = finished(new PgveilError('target_exists', 'in the way', { table: 'public.a' }));
  await written;
  assert.deepEqual(refused, ['public.a']);
});

test('a sink that failed for one table says nothing of the copy of another', async () => {
  const { refused, written } = finished(new PgveilError('target_exists', 'in the way', { table: 'public.b' }));
  await assert.rejects(written, { code: 'target_exists', table: 'public.b' });
  assert.deepEqual(refused, []);
});
