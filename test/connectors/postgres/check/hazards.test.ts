import assert from 'node:assert/strict';
import { test } from 'node:test';
import { neverDetached } from '../../../../connectors/postgres/check/detaching.ts';
import { hazardsOf, losesPublished, type Settings } from '../../../../connectors/postgres/check/hazards.ts';
import { areAmongStandbys } from '../../../../connectors/postgres/check/standby-names.ts';

const CALM: Settings = { version: 170_005, standbyNames: '', idleSlotTimeout: null, oldSnapshotThreshold: null };

const codes = (settings: Partial<Settings>) =>
  hazardsOf({ ...CALM, ...settings }, 'pgveil shop stream').map(({ code }) => code);

test('minor versions before the fix lose changes of a table that is added; those with it, and 18, do not', () => {
  for (const version of [140_000, 140_017, 150_012, 160_008, 170_000, 170_004])
    assert.ok(losesPublished(version), `${version}`);
  for (const version of [140_018, 140_023, 150_013, 160_009, 170_005, 170_010, 180_000, 180_004, 190_000])
    assert.ok(!losesPublished(version), `${version}`);
  const [found] = hazardsOf({ ...CALM, version: 160_008 }, null);
  assert.match(found!.message, /PostgreSQL 16\.8 can lose changes/);
  assert.match(found!.fix, /16\.9/);
});

test('a timeout of idle slots or of snapshots is told where it is set, and where the server has one', () => {
  assert.deepEqual(codes({}), []);
  assert.deepEqual(codes({ idleSlotTimeout: '0', oldSnapshotThreshold: '-1' }), []);
  assert.deepEqual(codes({ idleSlotTimeout: '4h' }), ['slot_idle_timeout']);
  assert.deepEqual(codes({ oldSnapshotThreshold: '0' }), ['snapshot_timeout']);
  assert.deepEqual(codes({ oldSnapshotThreshold: '1h' }), ['snapshot_timeout']);
});

test('names of synchronous standbys that count pgveil among them', () => {
  const us = 'pgveil shop stream';
  for (const names of [
    '*',
    ' * ',
    'ANY 1 (*)',
    'first 2 (a, *)',
    '2 (a, "pgveil shop stream")',
    '"*"',
    'a,"PGVEIL shop STREAM"',
  ])
    assert.ok(areAmongStandbys(us, names), names);
  for (const names of [
    '',
    'a',
    'FIRST 1 (a, b)',
    'ANY 2 ("a, *", b)',
    'pgveil',
    '"pgveil shop"',
    '"pgveil ""shop"" stream"',
  ])
    assert.ok(!areAmongStandbys(us, names), names);
  assert.ok(areAmongStandbys('a "b"', '"a ""b"""'));
  assert.deepEqual(codes({ standbyNames: '*' }), ['sync_standby']);
  assert.deepEqual(hazardsOf({ ...CALM, standbyNames: '*' }, null), []);
});

test('a sink that is to be detached is told of where nothing ever detaches it', () => {
  const two = { sinks: ['lake', 'topics'], hasOthers: true, walLimit: null };
  const found = neverDetached(two, '-1');
  assert.deepEqual(
    found.map(({ code, object }) => `${code} ${object}`),
    ['detach_impossible sinks.lake.on_wal_limit', 'detach_impossible sinks.topics.on_wal_limit'],
  );
  assert.match(found[0]!.message, /max_slot_wal_keep_size is -1/);
  assert.match(found[0]!.fix, /source\.wal_limit/);
  assert.deepEqual(neverDetached({ ...two, walLimit: 50 * 1024 ** 3 }, '-1'), []);
  assert.deepEqual(neverDetached(two, '10GB'), []);
  assert.deepEqual(neverDetached({ ...two, sinks: [] }, '-1'), []);
  for (const keeps of ['-1', '10GB']) {
    const [only, ...more] = neverDetached({ sinks: ['lake'], hasOthers: false, walLimit: null }, keeps);
    assert.match(only!.message, /the only sink/);
    assert.deepEqual(more, []);
  }
});
