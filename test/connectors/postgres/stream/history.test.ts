import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type Identity,
  requireSameServer,
  switchPoint,
  WitnessSearch,
  WitnessSearches,
} from '../../../../connectors/postgres/stream/history.ts';
import type { Position } from '../../../../src/core/checkpoint.ts';

const witness = { clsn: 190n, xid: 7, commitTime: 5n };
const history = { systemIdentifier: '42', timeline: 1, databaseOid: 5, slot: 's' };
const position: Position = { pos: 200n, witness, history };
const fresh: Position = { pos: 200n, witness: null, history };
const server: Identity = {
  systemIdentifier: '42',
  databaseOid: 5,
  timeline: 1,
  flushed: 300n,
  timelineHistory: null,
};
const changed = { name: 'PgveilError', code: 'history_changed' };

test('the server that we know goes on, also when its WAL ends exactly where we are', () => {
  requireSameServer(position, server);
  requireSameServer(position, { ...server, flushed: 200n });
});

test('another server, another database, an older timeline and a WAL that ends before us are another history', () => {
  for (const other of [{ systemIdentifier: '43' }, { databaseOid: 6 }, { timeline: 0 }, { flushed: 199n }]) {
    assert.throws(() => requireSameServer(position, { ...server, ...other }), changed);
  }
});

const promoted = (point: string) => ({
  ...server,
  timeline: 3,
  timelineHistory: `# made by hand\n1\t${point}\tno recovery target specified\n\n2\t0/4000000\tbefore 2026-11-21 09:00:00\n`,
});

test('a promotion that kept all that we have goes on', () => {
  requireSameServer(position, promoted('0/C8'));
  requireSameServer(position, promoted('0/C9'));
});

test('a promotion that lacks what we have, or whose history is not ours, is another history', () => {
  assert.throws(() => requireSameServer(position, promoted('0/C7')), changed);
  assert.throws(
    () => requireSameServer(position, { ...server, timeline: 3, timelineHistory: '2\t0/C9\tx\n' }),
    changed,
  );
  assert.throws(() => requireSameServer(position, { ...server, timeline: 2 }), changed);
});

test('a switch point is that of the timeline that was left', () => {
  const { timelineHistory } = promoted('A/1B');
  assert.equal(switchPoint(timelineHistory, 1), 0xa_0000_001bn);
  assert.equal(switchPoint(timelineHistory, 2), 0x4000000n);
  assert.equal(switchPoint(timelineHistory, 3), null);
  assert.equal(switchPoint('', 1), null);
});

test('a slot beyond us has lost what lies between', () => {
  assert.throws(() => new WitnessSearch(position, 201n), { code: 'slot_lost' });
  assert.throws(() => new WitnessSearch(fresh, 201n), { code: 'slot_lost' });
});

test('nothing is sent again, and the slot stands behind the witness: the same history', () => {
  const search = new WitnessSearch(position, 200n);
  search.reached(199n);
  assert.equal(search.found, false);
  search.reached(200n);
  assert.equal(search.found, true);
});

test('an adjacent commit that begins exactly at our position is new, and ends the search', () => {
  const search = new WitnessSearch(position, 200n);
  search.begin({ clsn: 200n, xid: 8, commitTime: 6n });
  assert.equal(search.found, true);
});

test('the witness is the last that is sent again: the same history', () => {
  const search = new WitnessSearch(position, 100n);
  search.begin({ clsn: 150n, xid: 6, commitTime: 4n });
  search.begin(witness);
  assert.equal(search.found, false);
  search.begin({ clsn: 260n, xid: 9, commitTime: 7n });
  assert.equal(search.found, true);
});

test('nothing is sent again, although the slot stands before the witness: another history', () => {
  for (const confirmedFlush of [100n, 190n]) {
    const search = new WitnessSearch(position, confirmedFlush);
    assert.throws(() => search.reached(200n), changed);
    assert.throws(() => search.begin({ clsn: 260n, xid: 9, commitTime: 7n }), changed);
  }
});

test('another transaction where the witness should be, before it or behind it: another history', () => {
  const others = [
    { ...witness, xid: 8 },
    { ...witness, commitTime: 6n },
    { ...witness, clsn: 189n },
    { clsn: 195n, xid: 8, commitTime: 6n },
  ];
  for (const other of others) {
    const search = new WitnessSearch(position, 100n);
    search.begin({ clsn: 150n, xid: 6, commitTime: 4n });
    search.begin(other);
    assert.throws(() => search.reached(250n), changed);
    assert.equal(search.found, false);
  }
});

test('something lies between the witness and our position: another history', () => {
  const search = new WitnessSearch(position, 100n);
  search.begin(witness);
  search.begin({ clsn: 199n, xid: 8, commitTime: 6n });
  assert.throws(() => search.reached(200n), changed);
});

test('after a copy there is no witness yet: nothing may be sent from before the copy', () => {
  const same = new WitnessSearch(fresh, 200n);
  same.reached(200n);
  assert.equal(same.found, true);
  const other = new WitnessSearch(fresh, 200n);
  other.begin({ clsn: 199n, xid: 8, commitTime: 6n });
  assert.throws(() => other.reached(200n), changed);
});

test('once found it is not looked for again', () => {
  const search = new WitnessSearch(position, 200n);
  search.reached(200n);
  search.begin({ clsn: 120n, xid: 9, commitTime: 7n });
  search.reached(300n);
  assert.equal(search.found, true);
});

test('a sink that is further on has to find its own witness as well, behind what the first may apply', () => {
  const later = { clsn: 290n, xid: 9, commitTime: 9n };
  const ahead = { ...position, pos: 300n, witness: later };
  for (const [last, fails] of [
    [later, false],
    [{ ...later, xid: 10 }, true],
  ] as const) {
    const searches = new WitnessSearches(position, [ahead], 100n);
    searches.begin(witness);
    searches.begin(last);
    assert.equal(searches.found, true);
    const reached = () => searches.reached(300n);
    if (fails) assert.throws(reached, changed);
    else reached();
  }
});
