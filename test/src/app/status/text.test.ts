import assert from 'node:assert/strict';
import { test } from 'node:test';
import { State } from '../../../../src/app/state/state.ts';
import { statusText } from '../../../../src/app/status/text.ts';
import { MB, report, table } from '../watch/views.ts';

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
      'sink twin         live       -',
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

test('a second instance says that it waits, and of slot and position that it does not know them', () => {
  const state = new State({ name: 'shop', slot: 's', tables: ['public.a'], sinks: ['lake'] });
  const lines = () => statusText({ running: true, ...state.status() }).split('\n');
  const waiting = { type: 'waiting', for: 'instance', what: 'another instance of this pipeline to end' } as const;
  state.observe(waiting);
  assert.deepEqual(lines(), [
    'shop: running, position not known, waits for another instance of this pipeline to end (pgveil 0.1.0)',
    '',
    'public.a   waiting    -',
    'sink lake  live       -',
    'slot s     not known',
  ]);
  state.observe({
    ...waiting,
    for: 'transaction',
    what: 'the transaction of pid 7 to end: the slot cannot be made before',
  });
  assert.deepEqual(
    [lines()[0], lines().at(-1)],
    [
      'shop: running, no position yet, waits for the transaction of pid 7 to end: the slot cannot be made before (pgveil 0.1.0)',
      'slot s     not there',
    ],
  );
});

const halt = (code: string) => ({ code, message: `what ${code} means`, fix: `what ends ${code}` });

test('every kind of row says all that is known of it', () => {
  const progress = { rows: 12_000, estimated_rows: null, bytes: 3 * MB, total_bytes: 9 * MB, room_bytes: 4 * MB };
  const tables = {
    'public.copied': table({ state: 'copying', generation: 2, restarts: 3, progress: { step: 'built', ...progress } }),
    'public.halted': table({ state: 'halted', rows: null, halt: halt('no_key'), warnings: [halt('withheld')] }),
    'public.late': table({ state: 'waiting', reason: 'a rule changed', progress: { step: 'due', ...progress } }),
    'public.split': table({ generation: 7, reason: 'not for now', sinks: { twin: 'streaming', lake: 'waiting' } }),
  };
  const slot = {
    name: 'veil',
    retained_bytes: 1200 * MB,
    wal_status: 'reserved',
    safe_bytes: 9000 * MB,
    rate_bytes_per_s: 1.25 * MB,
    seconds_left: 6923,
    alarms: [halt('wal_retained')],
  };
  const parked = { state: 'parked', position: '0/16B0000', lag_bytes: 3 * MB, lag_ms: null } as const;
  const unknown = { rate_bytes_per_s: null, seconds_left: null, alarms: [] };
  const own = { ...slot, name: 'veil_lake', wal_status: 'lost', safe_bytes: null, ...unknown };
  const shown = report(tables, {
    running: false,
    sinks: {
      twin: { state: 'live', position: '0/16B3748', lag_bytes: 0, lag_ms: 0, alarms: [halt('twin_blocked')] },
      lake: { ...parked, lag_ms: 150_000, trouble: halt('lake_away'), slot: own },
      topics: { ...parked, lag_bytes: null, position: null, halt: halt('target_exists') },
    },
    slot,
    copy_slots: [{ ...slot, name: 'pgveil_copy_1', safe_bytes: null, ...unknown }],
    unused_slots: [{ ...own, name: 'veil_gone', retained_bytes: null }],
    trouble: halt('source_away'),
  });
  assert.equal(
    statusText(shown),
    `shop: not running, 0/16B0000 (pgveil 0.1.0)

public.copied       copying    generation 2  1.2M rows      copy built, 3.0 MB of 9.0 MB, room 4.0 MB, restarted 3 times
public.halted       halted     generation 1
public.late         waiting    generation 1  1.2M rows      a rule changed, copy due, 3.0 MB of 9.0 MB, room 4.0 MB
public.split        streaming  generation 7  1.2M rows
sink twin           live       0/16B3748     0 B behind     0 ms
sink lake           parked     0/16B0000     3.0 MB behind  150000 ms, lake_away
sink topics         halted     -
slot veil           reserved                 holds 1.2 GB   8.8 GB to the limit, written 1.3 MB/s, lost in 1:55:23
slot veil_lake      lost                     holds 1.2 GB
slot pgveil_copy_1  reserved   copy          holds 1.2 GB   no limit
slot veil_gone      lost       unused

pipeline: source_away: what source_away means
  fix: what ends source_away

sink twin: twin_blocked: what twin_blocked means
  fix: what ends twin_blocked

sink lake: lake_away: what lake_away means
  fix: what ends lake_away

sink topics: target_exists: what target_exists means
  fix: what ends target_exists

slot veil: wal_retained: what wal_retained means
  fix: what ends wal_retained

public.halted: no_key: what no_key means
  fix: what ends no_key

public.halted: withheld: what withheld means
  fix: what ends withheld

pgveil check says what a start would meet`,
  );
});
