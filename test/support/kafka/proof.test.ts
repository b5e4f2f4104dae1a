import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { FlatRecord } from '../../sinks/kafka/fold.ts';
import { tally } from './proof.ts';

const record = (op: string, place: bigint, changed: Partial<FlatRecord> = {}): FlatRecord => {
  return { key: '1', op, lsn: place, seq: op === 'r' ? 0 : 1, generation: 2, partition: 0, value: {}, ...changed };
};
const marker = (op: string, generation: number) => record(op, 10n, { generation, value: null });

const GOOD = [
  marker('copy_begin', 1),
  record('u', 7n, { generation: 1 }),
  marker('copy_begin', 2),
  record('r', 10n),
  marker('copy_end', 2),
  record('u', 20n),
  record('d', 30n),
  record('d', 30n, { value: null }),
  record('c', 30n, { key: '2' }),
];
const COMMITTED = [7n, 20n, 30n].map((lsn) => ({ lsn, seq: 1 }));

test('topics that hold each change since the last copy once are told from those that do not', () => {
  const good = { changes: 2, missing: 0, double: 0, unknown: 0 };
  assert.deepEqual(tally(GOOD, COMMITTED), good);
  const without = GOOD.filter(({ op }) => op !== 'u');
  assert.deepEqual(tally(without, COMMITTED), { ...good, missing: 1 });
  assert.deepEqual(tally([...GOOD, record('u', 20n)], COMMITTED), { ...good, double: 1 });
  assert.deepEqual(tally([...GOOD, record('u', 25n)], COMMITTED), { ...good, unknown: 1 });
});
