import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createHttp, listen } from '../../../../src/app/http.ts';
import { Metrics } from '../../../../src/app/state/metrics.ts';
import { State } from '../../../../src/app/state/state.ts';
import { type Checkpoint, NOTHING_ORDERED, type TableEntry, type TableState } from '../../../../src/core/checkpoint.ts';
import type { SlotSeen } from '../../../../src/core/observer.ts';
import { positionAt } from '../../pipeline/parts.ts';
import { configText, pgveil } from '../fakes.ts';

const entry = (state: TableState): TableEntry => ({
  oid: 1,
  formerly: [],
  binding: { number: 1, columns: [] },
  shape: { columns: [], key: [], identity: 'default' },
  fingerprint: null,
  plan: '',
  key: '',
  generation: 3,
  state,
  order: NOTHING_ORDERED,
});

const slot: SlotSeen = {
  type: 'slot',
  name: 'pgveil_shop',
  end: 300n,
  retainedBytes: 4096,
  walStatus: 'reserved',
  safeBytes: 1,
};
const checkpointOf = (state: TableState): Checkpoint => ({
  position: positionAt(200n),
  tables: new Map([['public.a', entry(state)]]),
});

test('without a running process it shows what is stored, says so, and ends with 0', async () => {
  const { exitCode, out } = await pgveil(['status', '--json'], {
    checkpoint: checkpointOf({ state: 'halted', code: 'no_key' }),
    slot,
  });
  const { running, position, tables, sinks, slot: shown } = JSON.parse(out);
  assert.equal(exitCode, 0);
  assert.deepEqual([running, position], [false, '0/C8']);
  assert.equal(tables['public.a'].generation, 3);
  assert.equal(tables['public.a'].halt.code, 'no_key');
  assert.deepEqual(sinks.twin, { state: 'live', position: '0/C8', lag_bytes: 100, lag_ms: null });
  assert.deepEqual(shown, {
    name: 'pgveil_shop',
    retained_bytes: 4096,
    wal_status: 'reserved',
    safe_bytes: 1,
    rate_bytes_per_s: null,
    seconds_left: null,
    alarms: [],
  });
});

test('a pipeline that never ran has waiting tables and no position', async () => {
  const { exitCode, out } = await pgveil(['status', '--json']);
  const { running, position, tables } = JSON.parse(out);
  assert.deepEqual([exitCode, running, position, tables['public.a'].state], [0, false, null, 'waiting']);
});

test('a first copy that was broken off is waiting, whatever its tables say', async () => {
  const checkpoint = { ...checkpointOf({ state: 'streaming' }), position: null };
  const { out } = await pgveil(['status', '--json'], { checkpoint });
  assert.equal(JSON.parse(out).tables['public.a'].state, 'waiting');
});

test('the running process is asked first', async () => {
  const state = new State({ name: 'shop', slot: 's', tables: ['public.a'], sinks: ['twin'] });
  state.observe({ type: 'table', table: 'public.a', generation: 7, state: 'streaming' });
  const server = createHttp(state, new Metrics(state));
  const port = await listen(server, { host: '127.0.0.1', port: 0 });
  const { out } = await pgveil(['status', '--json'], { config: configText(port) });
  server.close().closeAllConnections();
  assert.deepEqual(JSON.parse(out), { running: true, ...JSON.parse(JSON.stringify(state.status())) });
});
