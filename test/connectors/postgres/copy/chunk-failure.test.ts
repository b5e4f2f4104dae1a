import assert from 'node:assert/strict';
import { test } from 'node:test';
import { judge } from '../../../../connectors/postgres/copy/chunk-failure.ts';
import { trouble } from '../../../../src/postgres/trouble.ts';

const judged = (code: string, message: string) => judge(trouble('source', { code, message }), 'public.t');

test('a snapshot that the server does not keep any longer halts its table alone, which says why and what to do', () => {
  const stop = judged('72000', 'snapshot too old');
  assert.ok(stop !== null && typeof stop === 'object');
  assert.deepEqual(stop.state, { state: 'halted', code: 'table_unreadable' });
  assert.equal(stop.message, 'public.t: source: SQLSTATE 72000: snapshot too old');
  assert.match(stop.fix, /old_snapshot_threshold = -1/);
});

test('what is not about one table fails the copy as a whole', () => {
  assert.equal(judged('08006', 'connection failure'), null);
  assert.equal(judged('40001', 'could not serialize access'), null);
});
