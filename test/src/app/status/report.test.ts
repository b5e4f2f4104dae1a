import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createHttp, listen } from '../../../../src/app/http.ts';
import { Metrics } from '../../../../src/app/state/metrics.ts';
import { State } from '../../../../src/app/state/state.ts';
import { type Checkpoint, NOTHING_ORDERED, type TableEntry, type TableState } from '../../../../src/core/checkpoint.ts';
import { PgveilError } from '../../../../src/core/errors.ts';
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

/** The example with a second sink. */
const TWO_SINKS = configText().replace(
  'sinks: {',
  "sinks: { spare: { type: postgres, url: 'postgres://spare@127.0.0.1:1/spare' },",
);
const twinAway = new PgveilError('twin_away', 'sink twin: ECONNREFUSED');
const sourceAway = new PgveilError('source_away', 'source: ECONNREFUSED');
const noticeOf = ({ code, message, fix }: PgveilError) => ({ code, message, fix });

test('of several sinks one that does not answer says with what, and the rest is shown', async () => {
  const stored = new Map<string, Checkpoint | PgveilError>([
    ['spare', checkpointOf({ state: 'streaming' })],
    ['twin', twinAway],
  ]);
  const { exitCode, out } = await pgveil(['status', '--json'], { config: TWO_SINKS, stored, slot });
  const { position, tables, sinks, slot: shown, trouble } = JSON.parse(out);
  assert.equal(exitCode, 0);
  const unknown = { state: 'parked', position: null, lag_bytes: null, lag_ms: null };
  assert.deepEqual(sinks.twin, { ...unknown, trouble: noticeOf(twinAway) });
  assert.deepEqual([sinks.spare.state, sinks.spare.position], ['live', '0/C8']);
  assert.deepEqual([position, trouble, shown.retained_bytes], [null, undefined, 4096]);
  assert.equal(tables['public.a'].state, 'streaming');
});

test('a source that does not answer says with what, and what the sinks hold is shown', async () => {
  const options = { checkpoint: checkpointOf({ state: 'streaming' }), sourceFails: sourceAway };
  const { exitCode, out } = await pgveil(['status', '--json'], options);
  const { position, tables, sinks, slot: shown, trouble } = JSON.parse(out);
  assert.deepEqual([exitCode, trouble], [0, noticeOf(sourceAway)]);
  assert.deepEqual([position, sinks.twin.position, sinks.twin.state], ['0/C8', '0/C8', 'live']);
  assert.deepEqual([tables['public.a'].state, shown.name, shown.wal_status], ['streaming', 'pgveil_shop', null]);
  const text = await pgveil(['status'], options);
  assert.match(text.out, /^slot pgveil_shop +not known$/m);
  assert.match(text.out, /^pipeline: source_away: source: ECONNREFUSED\n {2}fix: /m);
});

test('where the only sink does not answer nothing is claimed of its tables and of the position', async () => {
  const stored = new Map([['twin', twinAway]]);
  const { exitCode, out } = await pgveil(['status'], { stored, slot });
  assert.equal(exitCode, 0);
  assert.match(out, /^shop: not running, position not known /);
  assert.match(out, /^public\.a +waiting +- +no sink says what it holds$/m);
  assert.match(out, /^sink twin +parked +- +twin_away$/m);
  assert.match(out, /^slot pgveil_shop +reserved +holds 4\.0 kB/m);
  assert.match(out, /^sink twin: twin_away: sink twin: ECONNREFUSED\n {2}fix: /m);
});

test('what only a person can mend in a sink is its halt', async () => {
  const newer = new PgveilError('newer_checkpoint', 'sink twin: a newer pgveil wrote its checkpoint');
  const { out } = await pgveil(['status', '--json'], { stored: new Map([['twin', newer]]), slot });
  assert.deepEqual(JSON.parse(out).sinks.twin.halt, noticeOf(newer));
});

test('where nothing answers at all it has failed, and says what each one failed with', async () => {
  const options = { stored: new Map([['twin', twinAway]]), sourceFails: sourceAway };
  const { exitCode, out } = await pgveil(['status', '--json'], options);
  const { sinks, trouble } = JSON.parse(out);
  assert.deepEqual([exitCode, sinks.twin.trouble.code, trouble.code], [1, 'twin_away', 'source_away']);
});

test('a defect is no answer that is missing', async () => {
  const sourceFails = new RangeError('a defect') as PgveilError;
  assert.match((await pgveil(['status'], { sourceFails })).err, /RangeError/);
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
