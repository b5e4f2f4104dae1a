import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fingerprintOf } from '../../../../connectors/postgres/catalog/fingerprint.ts';
import type { Reading, ReadTable, TableReading } from '../../../../connectors/postgres/catalog/reading.ts';
import { Batches } from '../../../../connectors/postgres/stream/batches.ts';
import { WitnessSearch } from '../../../../connectors/postgres/stream/history.ts';
import { Relations } from '../../../../connectors/postgres/stream/question.ts';
import { Transactions } from '../../../../connectors/postgres/stream/transactions.ts';
import type { RawBatch } from '../../../../src/core/batch.ts';
import type { Position } from '../../../../src/core/checkpoint.ts';
import { shapeOf } from '../../../../src/core/table.ts';
import { cells } from '../following.ts';
import * as messages from '../messages.ts';

const t = messages.table(100, 't');
const unlisted = messages.table(500, 'unlisted');
const present = {
  table: t,
  leaves: [],
  publishing: null,
  types: [],
  generated: [],
  problem: null,
} as unknown as ReadTable;
const history = { systemIdentifier: '1', timeline: 1, databaseOid: 1, slot: 's' };
const from: Position = { pos: 200n, witness: { clsn: 190n, xid: 7, commitTime: 5n }, history };

/** Transactions above 200, and what a look at the catalog gives. */
function reader(look: () => Promise<Reading> = () => assert.fail('nobody asked for a look')) {
  const reading: Reading = {
    snapshot: { xmin: 800n, xmax: 800n, running: [] },
    lsn: 0n,
    tables: new Map([[t.name, present]]),
  };
  const copied = { name: t.name, oid: t.oid, shape: shapeOf(t), marks: fingerprintOf(present) };
  const streaming = new Map([[t.name, { copied, table: t }]]);
  const relations = new Relations({ streaming, copiedAs: new Map([[t.oid, t.name]]), reading }, look, () => {});
  const batches = new Batches(1 << 20);
  const witness = new WitnessSearch(from, 200n);
  const transactions = new Transactions(from, batches, relations, witness);
  const accept = async (...all: Buffer[]) => {
    for (const message of all) await transactions.accept(message, 0, message.length);
  };
  return { transactions, batches, witness, accept };
}

const relation = messages.relation(messages.relationOf(t));

function show(batch: RawBatch | null): string[] {
  return (batch?.changes ?? []).map(({ op, after, seq }) => `${seq} ${op} ${after && cells(after)}`);
}

test('a transaction below our position is left out, and its RELATION holds for the one that begins exactly there', async () => {
  const { accept, batches, transactions } = reader();
  await accept(messages.begin(190n, 7, 5n), relation, messages.insert(100, ['1', 'a']), messages.commit(190n, 200n));
  assert.equal(transactions.position, from);
  await accept(messages.begin(200n, 8, 6n), messages.insert(100, ['2', 'b']), messages.commit(200n, 250n));
  const batch = batches.take()!;
  assert.deepEqual(show(batch), ['1 insert 2|b']);
  assert.deepEqual(batch.position, { pos: 250n, witness: { clsn: 200n, xid: 8, commitTime: 6n }, history });
  assert.equal(batches.isEmpty, true);
});

test('a keepalive is a position between transactions, and none inside of one', async () => {
  const { accept, transactions, witness } = reader();
  transactions.keepalive(180n);
  assert.equal(transactions.position.pos, 200n);
  assert.equal(witness.found, false);
  transactions.keepalive(210n);
  assert.deepEqual(transactions.position, { ...from, pos: 210n });
  assert.equal(witness.found, true);
  await accept(messages.begin(220n));
  transactions.keepalive(220n);
  transactions.keepalive(900n);
  assert.equal(transactions.position.pos, 210n);
  await accept(messages.commit(220n, 230n));
  assert.deepEqual(transactions.position.pos, 230n);
});

test('a transaction without a row of ours moves the position and its witness, and makes no batch', async () => {
  const { accept, batches, transactions } = reader();
  const other = messages.relation(messages.relationOf(unlisted));
  await accept(messages.begin(210n, 9, 8n), other, messages.insert(500, ['x', 'y']), messages.commit(210n, 220n));
  assert.equal(batches.take(), null);
  assert.deepEqual(transactions.position, { pos: 220n, witness: { clsn: 210n, xid: 9, commitTime: 8n }, history });
});

test('rows behind a question wait for the answer, in order', async () => {
  const answer = Promise.withResolvers<Reading>();
  const { transactions, batches } = reader(() => answer.promise);
  const feed = (message: Buffer) => transactions.accept(message, 0, message.length);
  assert.equal(feed(messages.begin(210n, 850)), null);
  assert.equal(feed(relation), null);
  const waiting = feed(messages.insert(100, ['1', 'a']));
  assert.ok(waiting);
  const snapshot = { xmin: 900n, xmax: 900n, running: [] };
  answer.resolve({ snapshot, lsn: 0n, tables: new Map([[t.name, present]]) });
  await waiting;
  assert.equal(feed(messages.insert(100, ['2', 'b'])), null);
  assert.equal(feed(messages.commit(210n, 220n)), null);
  assert.deepEqual(show(batches.take()), ['1 insert 1|a', '2 insert 2|b']);
});

test('kept rows do not change when the memory they came in does', async () => {
  const { transactions, batches } = reader();
  const all = [messages.begin(210n), relation, messages.insert(100, ['1', 'first']), messages.commit(210n, 220n)];
  const chunk = Buffer.concat([...all, Buffer.alloc(1000)]);
  let at = 0;
  for (const { length } of all) {
    await transactions.accept(chunk, at, at + length);
    at += length;
  }
  chunk.fill('x');
  assert.deepEqual(show(batches.take()), ['1 insert 1|first']);
});

test('a look at the catalog waits until the stream has got there, and stops tables between transactions', async () => {
  const { accept, batches, transactions } = reader();
  const problem = { oid: 100, code: 'no_key', message: '', fix: '' };
  const now = { table: null, leaves: [], problem } as unknown as TableReading;
  const snapshot = { xmin: 900n, xmax: 900n, running: [] };
  transactions.looked({ snapshot, lsn: 240n, tables: new Map([[t.name, now]]) });
  await accept(messages.begin(210n), relation, messages.insert(100, ['1', 'a']), messages.commit(210n, 220n));
  assert.deepEqual(show(batches.take()), ['1 insert 1|a']);
  assert.equal(transactions.isJudging, true);
  transactions.keepalive(240n);
  const batch = batches.take()!;
  assert.deepEqual(
    batch.events.map((event) => event.type === 'stopped' && [event.name, event.state]),
    [[t.name, { state: 'halted', code: 'no_key' }]],
  );
  assert.equal(batch.position?.pos, 240n);
  await accept(messages.begin(250n), messages.insert(100, ['2', 'b']), messages.commit(250n, 260n));
  assert.equal(batches.isEmpty, true);
  assert.equal(transactions.isJudging, false);
});

test('a truncate is noted with the position behind it', async () => {
  const { accept, batches } = reader();
  await accept(messages.begin(210n, 700), relation, messages.insert(100, ['1', 'a']));
  await accept(messages.truncate([100]), messages.commit(210n, 220n));
  const [before, behind] = [batches.take()!, batches.take()!];
  assert.deepEqual([show(before), before.position], [['1 insert 1|a'], null]);
  const noted = { type: 'noted', table: t, fingerprint: fingerprintOf(present, 700) };
  assert.deepEqual([behind.events, show(behind), behind.position?.pos], [[noted], ['2 truncate null'], 220n]);
});

test('what cannot be said in this place is a protocol violation', async () => {
  const wrong: Buffer[][] = [
    [messages.insert(100, ['1', 'a'])],
    [messages.commit(210n, 220n)],
    [relation],
    [messages.begin(210n), messages.begin(220n)],
    [messages.begin(210n), messages.insert(100, ['1', 'a'])],
    [messages.begin(210n), relation, messages.insert(100, ['1', 'a', 'b'])],
    [messages.begin(210n), relation, messages.truncate([7])],
    [Buffer.from('S....')],
    [Buffer.alloc(0)],
  ];
  for (const all of wrong) await assert.rejects(() => reader().accept(...all), { code: 'protocol_violation' });
});
