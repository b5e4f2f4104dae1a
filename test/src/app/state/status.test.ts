import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createHttp, listen } from '../../../../src/app/http.ts';
import { Metrics } from '../../../../src/app/state/metrics.ts';
import { State } from '../../../../src/app/state/state.ts';
import { statusText } from '../../../../src/app/state/status.ts';
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

test('people get a table, and below it what there is to do', () => {
  const state = new State({
    name: 'shop',
    slot: 'pgveil_shop',
    tables: ['public.a', 'public."日本"'],
    sinks: ['twin'],
  });
  state.observe({ type: 'copy', table: 'public."日本"', rows: 1200, bytes: 1024, totalBytes: 4096 });
  state.observe({
    type: 'table',
    table: 'public.a',
    generation: 1,
    state: 'halted',
    code: 'no_key',
    fix: 'ALTER …\nand so on',
  });
  assert.equal(
    statusText({ running: true, ...state.status() }),
    [
      'shop: running, no position yet (pgveil 0.1.0)',
      '',
      'public.a          halted     generation 1',
      'public."日本"     copying    -             1.2k rows  copy due, of about 4.8k rows, 1.0 kB of 4.0 kB',
      'sink twin         live       -                        0 ms',
      'slot pgveil_shop  not there',
      '',
      'public.a: no_key: The table has no usable key.',
      '  fix: ALTER …',
      '       and so on',
    ].join('\n'),
  );
});

test('a sink that is away says what with, and a table that waits what for', () => {
  const state = new State({ name: 'shop', slot: 's', tables: ['public.a'], sinks: ['lake'] });
  const own = { own: 'lake' } as const;
  state.observe({ type: 'table', table: 'public.a', generation: 2, state: 'stale', reason: 'column b is new' });
  state.observe({ type: 'sink', sink: 'lake', state: 'away', slot: null, ...own });
  const trouble = { code: 'lake_away', message: 'sink lake: no answer', fix: 'Look at the store.' };
  state.observe({ type: 'trouble', part: 'lake', ...trouble, retryInMs: 1, ...own });
  const { lag_ms, ...lake } = state.status().sinks.lake!;
  const status = { ...state.status(), sinks: { lake: { ...lake, lag_ms: 12 } } };
  assert.deepEqual(
    statusText({ running: true, ...status })
      .split('\n')
      .slice(2),
    [
      'public.a   waiting    generation 2    column b is new',
      'sink lake  parked     -               12 ms, lake_away',
      'slot s     not there',
      '',
      'sink lake: lake_away: sink lake: no answer',
      '  fix: Look at the store.',
    ],
  );
});
