import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fingerprintOf, type Marks, unseenDifference } from '../../../../connectors/postgres/catalog/fingerprint.ts';
import type { Leaf, Publishing, ReadTable, UsedType } from '../../../../connectors/postgres/catalog/reading.ts';

const ROOT = 100;

const leaf = (oid: number, changed: Partial<Leaf> = {}): Leaf => ({
  oid,
  schema: 'public',
  relation: `leaf_${oid}`,
  relfilenode: oid,
  changedBy: 700,
  columnsChangedBy: [700],
  toast: 0,
  attachedBy: '700',
  definition: '',
  bytes: 0,
  ...changed,
});

const BY_NAME: Publishing = { publication: '16400 700', byName: '16401 700', bySchema: null };
const BY_ALL: Publishing = { ...BY_NAME, byName: null };

const reading = (
  leaves: readonly Leaf[],
  publishing: Publishing | null = BY_NAME,
  oid = ROOT,
  types: readonly UsedType[] = [],
) => ({ table: { oid }, leaves, publishing, types, generated: [], problem: null }) as unknown as ReadTable;

/** As a checkpoint gives it back. */
const stored = (table: ReadTable): Marks => JSON.parse(JSON.stringify(fingerprintOf(table)));

const told =
  (...xids: number[]) =>
  (xid: number) =>
    xids.includes(xid);

test('partitions that come, go, were away or lie in another file stop their table', () => {
  const before = stored(reading([leaf(1), leaf(2)]));
  const reason = (now: Leaf[]) => unseenDifference(before, reading(now), told());
  assert.equal(reason([leaf(2), leaf(1, { relation: 'renamed', changedBy: 701, columnsChangedBy: [700, 701] })]), null);
  assert.equal(reason([leaf(1)]), 'the partition leaf_2 is gone');
  assert.equal(reason([leaf(1), leaf(2), leaf(3)]), 'the partition leaf_3 is new');
  assert.equal(
    reason([leaf(1), leaf(2, { attachedBy: '702' })]),
    'the partition leaf_2 was detached and attached again',
  );
  assert.equal(
    reason([leaf(1), leaf(2, { relfilenode: 9, changedBy: 701 })]),
    'the partition leaf_2 was truncated or rewritten',
  );
});

test('a new file of a partition is explained by a truncate of the whole table, and by that one alone', () => {
  const before = stored(reading([leaf(1)]));
  const now = reading([leaf(1, { relfilenode: 9, changedBy: 701 })]);
  assert.equal(unseenDifference(before, now, told(701)), null);
  assert.match(unseenDifference(before, now, told(702))!, /leaf_1/);
});

test('where one partition kept its file, no truncate that may still be told explains the file of another', () => {
  const before = stored(reading([leaf(1), leaf(2)]));
  const anew = (oid: number, xid: number) => leaf(oid, { relfilenode: oid + 10, changedBy: xid });
  const anyTold = () => true;
  assert.equal(unseenDifference(before, reading([anew(1, 701), anew(2, 701)]), anyTold), null);
  assert.match(unseenDifference(before, reading([anew(1, 701), leaf(2)]), anyTold)!, /leaf_1 was truncated/);
});

/** What is said of a table without partitions that lies in a new file. */
function rewritten(before: Partial<Leaf>, now: Partial<Leaf>, publishing = BY_NAME, isTold = told()) {
  const marks = stored(reading([leaf(1, before)], publishing, 1));
  return unseenDifference(marks, reading([leaf(1, { relfilenode: 9, ...now })], publishing, 1), isTold);
}

test('a new file of a table without partitions says nothing unless columns were changed since', () => {
  assert.equal(rewritten({}, { changedBy: 701 }), null);
  assert.equal(rewritten({}, { changedBy: 701, columnsChangedBy: [700, 701] }), 'its values were rewritten');
  // The rewrite, and then what changed the same rows of the catalog again
  assert.equal(rewritten({}, { changedBy: 703, columnsChangedBy: [702] }), 'its values were rewritten');
});

test('a TOAST table that is still the same shows that no ALTER TABLE made the new file', () => {
  const columns = { columnsChangedBy: [701] };
  assert.equal(rewritten({ toast: 50 }, { toast: 50, ...columns }), null);
  assert.equal(rewritten({ toast: 50 }, { toast: 51, ...columns }), 'its values were rewritten');
  assert.equal(rewritten({ toast: 50 }, { toast: 50 }, BY_ALL), null);
});

test('under a publication that does not name the table a new file may mean that it was unlogged for a while', () => {
  const reason = 'it may have been unlogged for a while';
  assert.equal(rewritten({}, { changedBy: 701 }, BY_ALL), reason);
  assert.equal(rewritten({}, { changedBy: 701 }, { ...BY_ALL, bySchema: '16402' }), reason);
  assert.equal(rewritten({ toast: 50 }, { toast: 51 }, BY_ALL), reason);
});

test('a truncate explains a new file, unless columns were changed in the same transaction', () => {
  assert.equal(rewritten({}, { changedBy: 701 }, BY_ALL, told(701)), null);
  assert.equal(rewritten({}, { changedBy: 701, columnsChangedBy: [699] }, BY_NAME, told(701)), null);
  assert.match(rewritten({}, { changedBy: 701, columnsChangedBy: [701] }, BY_NAME, told(701))!, /rewritten/);
});

test('a table that its publication lost, or lost for a while, stops', () => {
  const reason = (before: Publishing | null, now: Publishing | null) =>
    unseenDifference(stored(reading([], before)), reading([], now), told());
  assert.equal(reason(BY_NAME, { ...BY_NAME }), null);
  assert.equal(reason(null, null), null);
  assert.equal(reason(BY_NAME, null), 'its publication is gone');
  assert.equal(
    reason(BY_NAME, { ...BY_NAME, publication: '16400 701' }),
    'its publication was changed or created again',
  );
  assert.equal(reason(BY_NAME, BY_ALL), 'it was taken out of its publication');
  const again = 'it was taken out of its publication and put back';
  assert.equal(reason(BY_NAME, { ...BY_NAME, byName: '16409 701' }), again);
  assert.equal(reason({ ...BY_ALL, bySchema: '16402' }, { ...BY_ALL, bySchema: '16403' }), again);
});

const typed = (type: Partial<UsedType>) =>
  reading([], BY_NAME, ROOT, [{ oid: 7, name: 'public.mood', labels: [], attributes: '', ...type }]);

test('a label renamed and attributes that changed stop the tables that use the type; a label more does not', () => {
  const mood = stored(typed({ labels: ['1 700', '2 700'] }));
  assert.equal(unseenDifference(mood, typed({ labels: ['1 700', '2 700', '3 701'] }), told()), null);
  assert.equal(
    unseenDifference(mood, typed({ labels: ['1 701', '2 700'] }), told()),
    'its type public.mood was changed',
  );
  assert.equal(unseenDifference(mood, typed({ name: 'public.feeling', labels: ['1 700', '2 700'] }), told()), null);
  const pair = stored(typed({ attributes: '1 23 -1,2 23 -1' }));
  assert.match(unseenDifference(pair, typed({ attributes: '1 23 -1' }), told())!, /its type/);
});

test('an entry from before types were noted says nothing of them', () => {
  const { types: _, ...before } = stored(typed({ labels: ['1 700'] }));
  assert.equal(unseenDifference(before, typed({ labels: ['1 701'] }), told()), null);
});
