import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { Metrics } from '../../../../src/app/state/metrics.ts';
import { State } from '../../../../src/app/state/state.ts';
import type { Observation } from '../../../../src/core/observer.ts';
import { type Metric, metricsIn } from '../../../support/exposition.ts';

const OF_THE_PROCESS = /^pgveil_(process|nodejs)_/;

/** A pipeline of which everything is known. */
const EVERYTHING: readonly Observation[] = [
  { type: 'trouble', part: 'source', code: 'source_away', message: 'gone', retryInMs: 1 },
  { type: 'sink', sink: 'spare', state: 'away', slot: null, own: 'spare' },
  { type: 'trouble', part: 'spare', code: 'twin_rights', message: 'refused', retryInMs: 1, own: 'spare' },
  { type: 'table', table: 'public.a', generation: 1, state: 'halted', code: 'no_key' },
  { type: 'copy', table: 'public.b', rows: 7, bytes: 70, totalBytes: 700 },
  { type: 'durable', sink: 'twin', pos: 1n },
  { type: 'durable', sink: 'twin', pos: 2n },
  { type: 'slot', name: 's', end: 9n, retainedBytes: 5, walStatus: 'reserved', safeBytes: 100 },
  { type: 'wal', slot: 's', bytesPerSecond: 10, secondsLeft: 10 },
  { type: 'wal alarm', slot: 's', code: 'wal_time_left', message: 'm', isOver: false },
];

function told(...seen: readonly Observation[]): Metrics {
  const state = new State({ name: 'shop', slot: 's', tables: ['public.a', 'public.b'], sinks: ['twin', 'spare'] });
  const metrics = new Metrics(state);
  for (const observation of seen) {
    state.observe(observation);
    metrics.observe(observation);
  }
  return metrics;
}

const row = ({ name, type, labels, help }: Metric) =>
  `| \`${name}\` | ${type} | ${labels.map((label) => `\`${label}\``).join(', ')} | ${help} |`;

test('docs/08-operations.md lists every metric with type, labels and help, and none that is not there', async () => {
  const given = metricsIn(await told(...EVERYTHING).text());
  for (const { name, samples } of given) assert.ok(samples > 0 || OF_THE_PROCESS.test(name), `${name} has no sample`);
  const page = readFileSync('docs/08-operations.md', 'utf8');
  const listed = page.split('\n').filter((line) => line.startsWith('| `pgveil_'));
  assert.deepEqual(listed, given.filter(({ name }) => !OF_THE_PROCESS.test(name)).map(row));
  for (const [, name] of page.matchAll(/`(pgveil_(?:process|nodejs)_\w+[a-z])`/g)) {
    assert.ok(
      given.some((metric) => metric.name === name),
      name,
    );
  }
});

test('names follow the conventions: counters, and only they, end in _total, and a unit stands at the end', async () => {
  for (const { name, type } of metricsIn(await told().text())) {
    if (OF_THE_PROCESS.test(name)) continue;
    assert.equal(name.endsWith('_total'), type === 'counter', name);
    assert.doesNotMatch(name, /_(ms|mb|kb)(_|$)/i);
    assert.match(name, /^pgveil_[a-z]+(_[a-z]+)*$/);
    assert.doesNotMatch(name, /_(bytes|seconds)_(?!total$|per_second$)/, 'nothing stands behind a unit');
  }
});

test('what is not known is left out, and what is counted begins at 0', async () => {
  const text = await told().text();
  assert.doesNotMatch(text, /^pgveil_(slot_(retained|safe|time|wal)|source_wal|sink_lag_bytes|sink_last|copy)/m);
  assert.match(text, /^pgveil_withheld_cells_total\{table="public\.b"\} 0$/m);
  assert.match(text, /^pgveil_sink_flushes_total\{sink="twin"\} 0$/m);
});

test('an instance that waits for another one has nothing to say of tables, sinks and slots', async () => {
  const waiting = { type: 'waiting', for: 'instance', what: 'another instance' } as const;
  const text = await told(...EVERYTHING, waiting).text();
  assert.doesNotMatch(text, /^pgveil_(table|copy|slot|source)_|^pgveil_sink_(live|halted|lag)/m);
  assert.match(text, /^pgveil_waiting 1$/m);
  assert.match(text, /^pgveil_ready 0$/m);
  assert.match(text, /^pgveil_build_info/m);
  assert.match(await told(...EVERYTHING, { ...waiting, for: 'transaction' }).text(), /^pgveil_waiting 0$/m);
});

test('where a sink stands at a start is no flush, and what was so once is not so for ever', async () => {
  const metrics = told(...EVERYTHING);
  const before = await metrics.text();
  assert.match(before, /^pgveil_sink_flushes_total\{sink="twin"\} 1$/m);
  assert.match(before, /^pgveil_table_halted\{table="public\.a",code="no_key"\} 1$/m);
  assert.match(before, /^pgveil_slot_alarm\{slot="s",code="wal_time_left"\} 1$/m);
  assert.match(before, /^pgveil_slot_alarm\{slot="s",code="wal_retained"\} 0$/m);
  const healed = told(...EVERYTHING, { type: 'table', table: 'public.a', generation: 2, state: 'streaming' });
  assert.doesNotMatch(await healed.text(), /^pgveil_table_halted\{/m);
});
