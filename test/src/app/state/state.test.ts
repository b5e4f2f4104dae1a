import assert from 'node:assert/strict';
import { test } from 'node:test';
import { State, slotsOf } from '../../../../src/app/state/state.ts';
import { parseLsn } from '../../../../src/core/lsn.ts';
import type { Observation } from '../../../../src/core/observer.ts';

const POSTGRES_EPOCH_MS = Date.UTC(2000, 0, 1);
const NOW = Date.UTC(2026, 0, 1);

function watch(...seen: Observation[]): State {
  const about = { name: 'shop', slot: 'pgveil_shop', tables: ['public.a', 'public.b'], sinks: ['twin'] };
  const state = new State(about, () => NOW);
  for (const observation of seen) state.observe(observation);
  return state;
}

const streaming = (table: string): Observation => ({ type: 'table', table, generation: 1, state: 'streaming' });
const confirmed: Observation[] = [{ type: 'confirmed' }, { type: 'durable', sink: 'twin', pos: 1n }];
const commitAgo = (ms: number): bigint => BigInt(NOW - ms - POSTGRES_EPOCH_MS) * 1000n;

test('before anything is known every table waits and no position is claimed', () => {
  const waiting = { state: 'waiting', generation: 0, rows: null, changes: 0, warnings: [] };
  assert.deepEqual(watch().status(), {
    name: 'shop',
    version: '0.1.0',
    position: null,
    tables: { 'public.a': waiting, 'public.b': waiting },
    sinks: { twin: { state: 'live', position: null, lag_bytes: null, lag_ms: null } },
    slot: {
      name: 'pgveil_shop',
      retained_bytes: null,
      wal_status: null,
      safe_bytes: null,
      rate_bytes_per_s: null,
      seconds_left: null,
      alarms: [],
    },
  });
});

test('a copy shows its rows and progress, and streaming keeps the rows alone', () => {
  const copy: Observation = { type: 'copy', table: 'public.a', rows: 10, bytes: 700, totalBytes: 1400 };
  const table: Observation = { type: 'table', table: 'public.a', generation: 2, state: 'copying' };
  const state = watch(table, copy);
  const step = { type: 'copy step', table: 'public.a', generation: 2 } as const;
  state.observe({ ...step, step: 'read' });
  state.observe({ type: 'room', table: 'public.a', bytes: 4096 });
  const progress = { step: 'read', rows: 10, estimated_rows: 20, bytes: 700, total_bytes: 1400, room_bytes: 4096 };
  assert.deepEqual(state.status().tables['public.a'], {
    state: 'copying',
    generation: 2,
    rows: 10,
    changes: 0,
    progress,
    warnings: [],
  });
  state.observe({ ...step, step: 'dropped' });
  assert.equal(state.status().tables['public.a']!.restarts, 1);
  assert.equal(state.status().tables['public.a']!.progress, undefined);
  state.observe({ ...table, state: 'streaming' });
  assert.deepEqual(state.status().tables['public.a'], {
    state: 'streaming',
    generation: 2,
    rows: 10,
    changes: 0,
    warnings: [],
  });
});

test('a table whose copy is due waits, with its size, until it is its turn', () => {
  const state = watch(
    { type: 'copy due', tables: new Map([['public.a', 1400]]) },
    // What the checkpoint's entry says when the definitions have reached the sink.
    { type: 'table', table: 'public.a', generation: 1, state: 'absent' },
  );
  const progress = { step: 'due', rows: 0, estimated_rows: null, bytes: 0, total_bytes: 1400 };
  const expected = { state: 'waiting', generation: 1, rows: null, changes: 0, progress, warnings: [] };
  assert.deepEqual(state.status().tables['public.a'], expected);
  state.observe({ type: 'trouble', part: 'pipeline', code: 'source_away', message: 'm', retryInMs: 1 });
  assert.equal(state.status().tables['public.a']?.progress, undefined);
});

test('a copy says why it is made, and a failure ends it', () => {
  const copy: Observation = { type: 'copy', table: 'public.a', rows: 10, bytes: 700, totalBytes: 1400 };
  const stale: Observation = { type: 'table', table: 'public.a', generation: 1, state: 'stale', reason: 'renamed' };
  const state = watch(stale, { type: 'table', table: 'public.a', generation: 2, state: 'waiting' }, copy);
  const { state: now, generation, reason } = state.status().tables['public.a']!;
  assert.deepEqual([now, generation, reason], ['copying', 2, 'renamed']);
  state.observe({ type: 'trouble', part: 'pipeline', code: 'source_away', message: 'gone', retryInMs: 1 });
  assert.equal(state.status().tables['public.a']?.state, 'waiting');
});

test('a lost slot is why every table is copied, until it is', () => {
  const state = watch({ type: 'table', table: 'public.a', generation: 1, state: 'streaming' });
  const reason = () => state.status().tables['public.a']?.reason;
  state.observe({ type: 'trouble', part: 'pipeline', code: 'slot_lost', message: 'it is not there', retryInMs: 1 });
  state.observe({ type: 'trouble', part: 'pipeline', code: 'source_away', message: 'gone', retryInMs: 1 });
  state.observe({ type: 'table', table: 'public.a', generation: 1, state: 'absent' });
  state.observe({ type: 'copy', table: 'public.a', rows: 10, bytes: 700, totalBytes: 1400 });
  assert.equal(reason(), 'it is not there');
  state.observe({ type: 'table', table: 'public.a', generation: 2, state: 'streaming' });
  assert.equal(reason(), undefined);
});

test('a halt has the message and the fix of the finding that foretold it, which is no warning then', () => {
  const state = watch(
    {
      type: 'warning',
      table: 'public.a',
      code: 'no_key',
      message: 'public.a has no primary key',
      fix: 'ALTER TABLE …',
    },
    { type: 'table', table: 'public.a', generation: 0, state: 'halted', code: 'no_key' },
  );
  const { halt, warnings } = state.status().tables['public.a']!;
  assert.deepEqual(halt, { code: 'no_key', message: 'public.a has no primary key', fix: 'ALTER TABLE …' });
  assert.deepEqual(warnings, []);
});

test('a halt says what it means and what to do, and a stale table waits for its copy', () => {
  const state = watch(
    { type: 'table', table: 'public.a', generation: 1, state: 'halted', code: 'no_key' },
    { type: 'table', table: 'public.b', generation: 1, state: 'stale', reason: 'a column was added' },
  );
  const { tables } = state.status();
  assert.equal(tables['public.a']?.halt?.code, 'no_key');
  assert.match(tables['public.a']?.halt?.fix ?? '', /primary key/);
  assert.deepEqual([tables['public.b']?.state, tables['public.b']?.reason], ['waiting', 'a column was added']);
  assert.deepEqual(state.tablesLeft, ['public.a', 'public.b']);
  state.observe({ type: 'table', table: 'public.b', generation: 2, state: 'streaming' });
  assert.deepEqual(state.tablesLeft, ['public.a']);
});

test('a halt keeps its reason when the entry that follows has the code alone', () => {
  const halt: Observation = { type: 'table', table: 'public.a', generation: 1, state: 'halted', code: 'names_moved' };
  const state = watch({ ...halt, reason: 'ssn is now called note' }, halt);
  assert.equal(state.status().tables['public.a']?.halt?.message, 'ssn is now called note');
});

test('what is told late of an older generation takes no warning of the newer one', () => {
  const waiting: Observation = { type: 'table', table: 'public.a', generation: 2, state: 'waiting' };
  const warning: Observation = { type: 'warning', table: 'public.a', code: 'view_empty', message: 'm', fix: 'f' };
  const late: Observation = { type: 'table', table: 'public.a', generation: 1, state: 'stale' };
  const { generation, warnings } = watch(streaming('public.a'), waiting, warning, late, {
    ...waiting,
    state: 'streaming',
  }).status().tables['public.a']!;
  assert.deepEqual([generation, warnings.length], [2, 1]);
});

test('a warning told twice is one warning, withheld values add up, and a new generation starts without either', () => {
  const warning: Observation = { type: 'warning', table: 'public.a', code: 'view_empty', message: 'm', fix: 'f' };
  const withheld: Observation = { type: 'withheld', table: 'public.a', column: 'note', cells: 2 };
  const state = watch(streaming('public.a'), warning, warning, withheld, withheld);
  const { warnings } = state.status().tables['public.a']!;
  assert.deepEqual(warnings[0], { code: 'view_empty', message: 'm', fix: 'f' });
  assert.equal(warnings.length, 2);
  assert.match(warnings[1]!.message, /^4 values of column note/);
  state.observe({ type: 'table', table: 'public.a', generation: 2, state: 'copying' });
  assert.deepEqual(state.status().tables['public.a']?.warnings, []);
});

test('what a copy came to nothing by is said until one comes to its end', () => {
  const lost: Observation = { type: 'warning', table: 'public.a', code: 'copy_slot_lost', message: 'm', fix: 'f' };
  const state = watch(streaming('public.a'), lost);
  const codes = () => state.status().tables['public.a']!.warnings.map(({ code }) => code);
  state.observe({ type: 'table', table: 'public.a', generation: 2, state: 'copying' });
  assert.deepEqual(codes(), ['copy_slot_lost']);
  state.observe({ type: 'table', table: 'public.a', generation: 2, state: 'streaming' });
  assert.deepEqual(codes(), []);
});

test('the position is the least of the sinks, and lag counts from it to the furthest known end', () => {
  const state = watch(
    { type: 'received', pos: 100n, commitTime: commitAgo(250) },
    { type: 'received', pos: 200n, commitTime: commitAgo(50) },
    { type: 'durable', sink: 'twin', pos: 40n },
    { type: 'slot', name: 's', end: 190n, retainedBytes: 5, walStatus: 'reserved', safeBytes: null },
  );
  assert.deepEqual(state.status().sinks.twin, { state: 'live', position: '0/28', lag_bytes: 160, lag_ms: 250 });
  state.observe({ type: 'durable', sink: 'twin', pos: 100n });
  assert.equal(state.status().sinks.twin?.lag_ms, 50);
  state.observe({ type: 'durable', sink: 'twin', pos: parseLsn('0/C8') });
  assert.deepEqual(state.status().sinks.twin, { state: 'live', position: '0/C8', lag_bytes: 0, lag_ms: 0 });
  assert.equal(state.status().position, '0/C8');
});

test('the slot of a copy is shown while the copy lasts, with alarms of its own, also where a sink copies for itself', () => {
  const slot = { type: 'slot', end: 190n, walStatus: 'extended', safeBytes: 100 } as const;
  const copy = { ...slot, name: 'pgveil_copy_1', retainedBytes: 7 };
  const state = watch({ ...slot, name: 'pgveil_shop', retainedBytes: 5 });
  assert.equal(state.status().copy_slots, undefined);
  for (const own of [undefined, 'twin']) {
    state.observe({ type: 'copy slot', name: copy.name, seen: copy, own });
    state.observe({ type: 'wal', slot: copy.name, bytesPerSecond: 10, secondsLeft: 10 });
    state.observe({ type: 'wal alarm', slot: copy.name, code: 'wal_retained', message: 'too much', isOver: false });
    const status = state.status();
    assert.deepEqual(
      slotsOf(status).map(({ name, retained_bytes, seconds_left, alarms }) => [
        name,
        retained_bytes,
        seconds_left,
        alarms.length,
      ]),
      [
        ['pgveil_shop', 5, null, 0],
        ['pgveil_copy_1', 7, 10, 1],
      ],
    );
    state.observe({ type: 'copy slot', name: copy.name, seen: null, own });
    assert.equal(state.status().copy_slots, undefined);
  }
});

test('the slot is shown with the rate of the WAL, the time left, and the alarms that are not over', () => {
  const alarm = { type: 'wal alarm', slot: 'pgveil_shop', code: 'wal_retained', message: 'too much' } as const;
  const state = watch(
    { type: 'slot', name: 'pgveil_shop', end: 190n, retainedBytes: 5, walStatus: 'reserved', safeBytes: 100 },
    { type: 'wal', slot: 'pgveil_shop', bytesPerSecond: 10.4, secondsLeft: 9.6 },
    { ...alarm, isOver: false },
  );
  const { alarms, ...slot } = state.status().slot;
  assert.deepEqual(slot, {
    name: 'pgveil_shop',
    retained_bytes: 5,
    wal_status: 'reserved',
    safe_bytes: 100,
    rate_bytes_per_s: 10,
    seconds_left: 9,
  });
  assert.deepEqual(
    alarms.map(({ code, message, fix }) => [code, message, fix.length > 0]),
    [['wal_retained', 'too much', true]],
  );
  state.observe({ ...alarm, isOver: true });
  assert.deepEqual(state.status().slot.alarms, []);
});

test('a clock that runs behind the source never makes an age negative', () => {
  const state = watch(...confirmed, { type: 'received', pos: 100n, commitTime: commitAgo(-5000) });
  assert.equal(state.status().sinks.twin?.lag_ms, 0);
});

/** A pipeline whose clock goes on by hand, with a lag to ask for. */
function pipelineOf(...sinks: string[]) {
  let now = NOW;
  const state = new State({ name: 'shop', slot: 'pgveil_shop', tables: [], sinks }, () => now);
  return {
    observe: (...seen: readonly Observation[]) => {
      for (const observation of seen) state.observe(observation);
    },
    pass: (ms: number) => {
      now += ms;
    },
    lag: (sink = 'twin') => state.status().sinks[sink]!.lag_ms,
    reasons: () => state.reasons(),
  };
}

const slot = { type: 'slot', retainedBytes: 5, walStatus: 'reserved', safeBytes: null } as const;
const held = (...sinks: string[]): Observation[] => sinks.map((sink) => ({ type: 'durable', sink, pos: 1n }));
const twinAway: Observation = { type: 'trouble', part: 'twin', code: 'twin_away', message: 'gone', retryInMs: 1 };
const sourceAway: Observation = { ...twinAway, part: 'source', code: 'source_away' };

test('the only sink, while it is away, lags since it last held all that there was', () => {
  const { observe, pass, lag } = pipelineOf('twin');
  observe(...confirmed);
  pass(60_000);
  assert.equal(lag(), 0, 'nothing was committed');
  observe(twinAway);
  pass(3_600_000);
  observe(twinAway);
  assert.equal(lag(), 3_600_000);
});

test('a sink that did not hold all when it went away lags since the oldest commit that it lacked', () => {
  const { observe, pass, lag } = pipelineOf('twin');
  observe(...confirmed, { type: 'received', pos: 100n, commitTime: commitAgo(20_000) }, twinAway);
  pass(5_000);
  assert.equal(lag(), 25_000);
});

test('a sink that fails at each flush lags since the first failure, though each session begins well', () => {
  const { observe, pass, lag } = pipelineOf('twin');
  observe(...confirmed);
  for (let round = 0; round < 3; round++) {
    observe(twinAway);
    pass(10_000);
    observe({ type: 'durable', sink: 'twin', pos: 1n }); // where it stands, as each start tells
    observe({ type: 'confirmed' }, { type: 'received', pos: 1n, commitTime: null });
    assert.equal(lag(), (round + 1) * 10_000);
  }
  observe({ type: 'received', pos: 100n, commitTime: commitAgo(-12_000) });
  assert.equal(lag(), 18_000, 'by now the oldest commit is known');
  observe({ type: 'durable', sink: 'twin', pos: 100n });
  assert.equal(lag(), 0);
});

test('while the source is away what was committed there is unknown, and no sink is said to hold it', () => {
  const { observe, pass, lag } = pipelineOf('twin');
  observe(...confirmed, sourceAway);
  pass(1_000);
  assert.equal(lag(), 1_000);
  observe({ type: 'waiting', for: 'instance', what: 'another instance' });
  assert.equal(lag(), null, 'what the other one wrote meanwhile nobody tells this one');
});

test('an instance that takes the pipeline over lags since then, and not since it began to wait', () => {
  const { observe, pass, lag } = pipelineOf('twin');
  observe({ type: 'waiting', for: 'instance', what: 'another instance' });
  pass(86_400_000);
  observe(...held('twin'));
  pass(1_000);
  assert.equal(lag(), 1_000);
});

test('before the first copy is finished no lag is known, unless nobody can write at all', () => {
  const { observe, pass, lag } = pipelineOf('twin');
  pass(1_000);
  observe({ type: 'received', pos: 1n, commitTime: null });
  assert.equal(lag(), null);
  observe(twinAway);
  pass(1_000);
  assert.equal(lag(), 2_000, 'since this process is there');
});

test('commits that came in late are no lag of a sink that holds them', () => {
  const { observe, lag } = pipelineOf('twin', 'lake');
  const durable = (sink: string, pos: bigint): Observation => ({ type: 'durable', sink, pos });
  observe({ type: 'confirmed' }, durable('twin', 200n), durable('lake', 50n));
  observe({ type: 'received', pos: 150n, commitTime: commitAgo(9_000) });
  assert.deepEqual([lag('twin'), lag('lake')], [0, 9_000]);
});

test('a sink that comes back to the others lags as before until something is durable there', () => {
  const { observe, pass, lag } = pipelineOf('twin', 'lake');
  const both = held('twin', 'lake');
  const lake = { type: 'sink', sink: 'lake', slot: null } as const;
  observe({ type: 'confirmed' }, ...both, { ...lake, state: 'away', own: 'lake' });
  observe({ ...twinAway, part: 'lake', code: 'lake_away', own: 'lake' });
  pass(7_000);
  observe({ ...lake, state: 'live' }, { ...lake, sink: 'twin', state: 'live' }, ...both);
  assert.equal(lag('lake'), 7_000);
  observe({ type: 'confirmed' }, ...both);
  assert.deepEqual([lag('twin'), lag('lake')], [0, 0]);
});

test('while reading waits for one sink the others lag as well, by what the source has beyond, and that is no reason not to be ready', () => {
  const { observe, pass, lag, reasons } = pipelineOf('twin', 'lake');
  const end = (pos: bigint) => ({ ...slot, name: 'pgveil_shop', end: pos });
  observe({ type: 'confirmed' }, ...held('twin', 'lake'), { type: 'reached', pos: 50n }, end(50n));
  observe({ type: 'received', pos: 100n, commitTime: commitAgo(0) }, { type: 'durable', sink: 'twin', pos: 100n });
  pass(10_000);
  assert.deepEqual([lag('twin'), lag('lake')], [0, 10_000]);
  observe(end(900n));
  pass(3_600_000);
  assert.deepEqual([lag('twin'), lag('lake')], [3_600_000, 3_610_000]);
  assert.deepEqual(reasons(), []);
  observe({ type: 'received', pos: 900n, commitTime: commitAgo(-3_590_000) }, { type: 'reached', pos: 900n });
  assert.deepEqual([lag('twin'), lag('lake')], [20_000, 3_610_000]);
});

test('a sink that reads by itself lags by what its own stream does not bring', () => {
  const { observe, pass, lag } = pipelineOf('twin', 'lake');
  observe({ type: 'confirmed' }, ...held('twin', 'lake'));
  observe({ type: 'sink', sink: 'lake', state: 'away', slot: null, own: 'lake' });
  observe({ type: 'sink', sink: 'lake', state: 'parked', slot: 'own', own: 'lake' });
  observe({ type: 'confirmed', own: 'lake' }, ...held('lake').map((seen) => ({ ...seen, own: 'lake' })));
  observe({ ...slot, name: 'own', end: 900n, own: 'lake' }, { ...slot, name: 'pgveil_shop', end: 900n });
  observe({ type: 'reached', pos: 900n });
  pass(3_600_000);
  assert.deepEqual([lag('twin'), lag('lake')], [0, 3_600_000]);
  observe({ type: 'reached', pos: 900n, own: 'lake' });
  assert.equal(lag('lake'), 0);
});

test('it is ready once every table streams, and says why it is not', () => {
  const state = watch(...confirmed, {
    type: 'waiting',
    for: 'instance',
    what: 'another instance reads from slot pgveil_shop',
  });
  assert.deepEqual(state.reasons(), ['waiting: another instance reads from slot pgveil_shop']);
  state.observe(streaming('public.a'));
  assert.deepEqual(state.reasons(), ['public.b: waiting']);
  state.observe({ type: 'copy', table: 'public.b', rows: 0, bytes: 0, totalBytes: 1 });
  assert.deepEqual(state.reasons(), ['public.b: copying']);
  state.observe(streaming('public.b'));
  assert.deepEqual(state.reasons(), []);
  state.observe({ type: 'table', table: 'public.b', generation: 1, state: 'halted', code: 'no_key' });
  assert.deepEqual(state.reasons(), ['public.b: halted, no_key']);
});

test('what the checkpoint says after a start is not ready until the stream is confirmed and every sink went on with it', () => {
  const about = { name: 'shop', slot: 'pgveil_shop', tables: ['public.a'], sinks: ['twin', 'other'] };
  const state = new State(about, () => NOW);
  const unconfirmed = ['the stream is not confirmed yet'];
  const start = [
    { type: 'durable', sink: 'twin', pos: 1n },
    { type: 'durable', sink: 'other', pos: 1n },
    streaming('public.a'),
  ] as const;
  for (const seen of start) state.observe(seen);
  assert.deepEqual(state.reasons(), unconfirmed);
  state.observe({ type: 'confirmed' });
  state.observe({ type: 'durable', sink: 'other', pos: 1n });
  assert.deepEqual(state.reasons(), unconfirmed);
  state.observe({ type: 'durable', sink: 'twin', pos: 1n });
  assert.deepEqual(state.reasons(), []);
  state.observe({ type: 'trouble', part: 'pipeline', code: 'source_away', message: 'gone', retryInMs: 1 });
  for (const seen of start) state.observe(seen);
  assert.deepEqual(state.reasons(), unconfirmed);
});

test('a sink that is beyond where the stream begins again is ready with it: on an idle source it is told nothing more', () => {
  const about = { name: 'shop', slot: 'pgveil_shop', tables: ['public.a'], sinks: ['twin', 'lake'] };
  const state = new State(about, () => NOW);
  const session: Observation[] = [
    { type: 'sink', sink: 'twin', state: 'live', slot: null },
    { type: 'sink', sink: 'lake', state: 'live', slot: null },
    { type: 'durable', sink: 'twin', pos: 20n },
    { type: 'durable', sink: 'lake', pos: 10n },
    streaming('public.a'),
    { type: 'confirmed' },
    { type: 'received', pos: 10n, commitTime: null },
    { type: 'durable', sink: 'lake', pos: 10n },
  ];
  for (const seen of session) state.observe(seen);
  assert.deepEqual(state.reasons(), []);
});

test('a twin that is away is parked until something becomes durable there again', () => {
  const trouble: Observation = {
    type: 'trouble',
    part: 'twin',
    code: 'twin_away',
    message: 'sink twin: gone',
    retryInMs: 1,
  };
  const state = watch(...confirmed, streaming('public.a'), streaming('public.b'), trouble);
  assert.equal(state.status().sinks.twin?.state, 'parked');
  assert.equal(state.status().trouble?.code, 'twin_away');
  assert.deepEqual(state.reasons(), ['twin_away: sink twin: gone', 'sink twin: parked']);
  for (const seen of confirmed) state.observe(seen);
  assert.equal(state.status().sinks.twin?.state, 'live');
  assert.deepEqual(state.reasons(), []);
});

test('of several sinks the one that is away is parked', () => {
  const about = { name: 'shop', slot: 'pgveil_shop', tables: [], sinks: ['reporting', 'staging'] };
  const state = new State(about, () => NOW);
  state.observe({ type: 'trouble', part: 'staging', code: 'twin_away', message: 'sink staging: gone', retryInMs: 1 });
  const { reporting, staging } = state.status().sinks;
  assert.deepEqual([reporting?.state, staging?.state], ['live', 'parked']);
});

test('waiting for another instance and failing to connect are no take-over, and the first table is', async () => {
  const state = watch();
  let takenOver = false;
  const told = state.takenOver.then(() => {
    takenOver = true;
  });
  state.observe({ type: 'waiting', for: 'instance', what: 'x' });
  state.observe({ type: 'trouble', part: 'pipeline', code: 'source_away', message: 'gone', retryInMs: 1 });
  state.observe({ type: 'table', table: 'public.a', generation: 0, state: 'waiting' });
  await Promise.resolve();
  assert.equal(takenOver, false);
  state.observe(streaming('public.a'));
  await told;
  assert.equal(takenOver, true);
});

test('what is waited for is said until something goes on, and only another instance keeps the lag to itself', () => {
  const state = watch(...confirmed);
  const transaction = { for: 'transaction', what: 'transaction 7 to become visible' } as const;
  state.observe({ type: 'waiting', ...transaction });
  assert.deepEqual([state.status().waiting, state.status().sinks.twin!.lag_ms], [transaction, 0]);
  const instance = { for: 'instance', what: 'another instance of this pipeline to end' } as const;
  state.observe({ type: 'waiting', ...instance });
  assert.deepEqual([state.status().waiting, state.status().sinks.twin!.lag_ms], [instance, null]);
  state.observe({ type: 'received', pos: 1n, commitTime: null });
  assert.equal(state.status().waiting, undefined);
});

test('tables that a checkpoint knows and the configuration does not are left out', () => {
  assert.deepEqual(Object.keys(watch(streaming('public.gone')).status().tables), ['public.a', 'public.b']);
});

test('a sink that reads by itself has a state, a slot and tables of its own, and the others are as they were', () => {
  let now = NOW;
  const about = { name: 'shop', slot: 'pgveil_shop', tables: ['public.a', 'public.b'], sinks: ['twin', 'lake'] };
  const state = new State(about, () => now);
  const own = (seen: Observation): Observation => ({ ...seen, own: 'lake' });
  const durable = (pos: bigint): Observation[] => ['twin', 'lake'].map((sink) => ({ type: 'durable', sink, pos }));
  for (const seen of [...confirmed, ...durable(10n), streaming('public.a'), streaming('public.b')]) state.observe(seen);
  assert.deepEqual(state.reasons(), []);

  state.observe(own({ type: 'sink', sink: 'lake', state: 'away', slot: null }));
  const trouble = { code: 'lake_away', message: 'gone', fix: 'bring it back' };
  state.observe(own({ type: 'trouble', part: 'lake', ...trouble, retryInMs: 1 }));
  now += 5000;
  assert.deepEqual(state.reasons(), ['sink lake: parked, lake_away: gone']);
  assert.deepEqual([state.status().sinks.lake!.halt, state.status().sinks.lake!.trouble], [undefined, trouble]);
  const halt = { code: 'lake_unfit', message: 'no folder', fix: 'make one' };
  state.observe(own({ type: 'trouble', part: 'lake', ...halt, retryInMs: 1 }));
  assert.deepEqual(state.reasons(), ['sink lake: halted, lake_unfit: no folder']);
  assert.deepEqual([state.status().sinks.lake!.state, state.status().sinks.lake!.halt], ['parked', halt]);
  assert.equal(state.status().sinks.lake!.trouble, undefined, 'it is either');
  assert.deepEqual([state.status().sinks.lake!.lag_ms, state.status().trouble], [5000, undefined]);

  state.observe(own({ type: 'sink', sink: 'lake', state: 'parked', slot: 'own' }));
  state.observe(own({ type: 'slot', name: 'own', end: 50n, retainedBytes: 7, walStatus: 'reserved', safeBytes: null }));
  state.observe({ type: 'wal', slot: 'own', bytesPerSecond: 1, secondsLeft: 60 });
  state.observe(own({ type: 'wal alarm', slot: 'own', code: 'sync_standby', message: 'm', isOver: false }));
  state.observe(own({ ...streaming('public.a'), state: 'absent' } as Observation));
  state.observe({ type: 'received', pos: 90n, commitTime: commitAgo(100) });
  state.observe({ type: 'durable', sink: 'twin', pos: 90n });
  const { sinks, tables, slot, position } = state.status();
  const { name, retained_bytes, seconds_left, alarms } = sinks.lake!.slot!;
  assert.deepEqual(
    alarms.map(({ code }) => code),
    ['sync_standby'],
  );
  assert.deepEqual([name, retained_bytes, seconds_left], ['own', 7, 60]);
  assert.deepEqual([slot.name, slot.retained_bytes, position, sinks.twin!.lag_ms], ['pgveil_shop', null, '0/A', 0]);
  assert.deepEqual(tables['public.a'], {
    state: 'waiting',
    generation: 1,
    rows: null,
    changes: 0,
    warnings: [],
    sinks: { twin: 'streaming', lake: 'waiting' },
  });
  assert.equal(tables['public.b']!.sinks, undefined);
  state.observe(own({ ...streaming('public.a'), state: 'halted', code: 'names_unknown' } as Observation));
  const halted = state.status().tables['public.a']!;
  assert.deepEqual(
    [halted.state, halted.halt!.code, halted.sinks],
    ['halted', 'names_unknown', { twin: 'streaming', lake: 'halted' }],
  );

  state.observe(own({ type: 'trouble', part: 'lake', ...trouble, retryInMs: 1 }));
  for (const sink of ['twin', 'lake']) state.observe({ type: 'sink', sink, state: 'live', slot: null });
  for (const seen of durable(90n)) state.observe(seen);
  assert.equal(state.status().sinks.lake!.trouble, undefined);
  assert.deepEqual(state.reasons(), ['the stream is not confirmed yet']);
  for (const seen of [...confirmed, ...durable(90n)]) state.observe(seen);
  assert.deepEqual(state.reasons(), []);
  assert.deepEqual([state.status().sinks.lake!.slot, state.status().tables['public.a']!.sinks], [undefined, undefined]);
});

test('changes are counted by table, over all copies of one process', () => {
  const changes: Observation = { type: 'changes', table: 'public.a', rows: 3 };
  const anew: Observation = { type: 'table', table: 'public.a', generation: 2, state: 'streaming' };
  const state = watch(streaming('public.a'), changes, anew, changes);
  assert.equal(state.status().tables['public.a']?.changes, 6);
});

test('what a sink waits for is among its alarms until it is over, and leaves it live', () => {
  const notice = { code: 'twin_blocked', message: 'sink twin waits for a lock of pid 7', fix: 'End it.' } as const;
  const state = watch(...confirmed, streaming('public.a'), streaming('public.b'));
  state.observe({ type: 'sink alarm', sink: 'twin', ...notice, isOver: false });
  assert.deepEqual(state.status().sinks.twin!.alarms, [notice]);
  assert.equal(state.status().sinks.twin!.state, 'live');
  assert.deepEqual(state.reasons(), []);
  state.observe({ type: 'sink alarm', sink: 'twin', ...notice, isOver: true });
  assert.equal(state.status().sinks.twin!.alarms, undefined);
});
