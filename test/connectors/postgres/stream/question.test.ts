import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { fingerprintOf, type Marks } from '../../../../connectors/postgres/catalog/fingerprint.ts';
import type { Leaf, Reading, ReadTable, TableReading } from '../../../../connectors/postgres/catalog/reading.ts';
import type { Streaming } from '../../../../connectors/postgres/stream/outset.ts';
import { Relations } from '../../../../connectors/postgres/stream/question.ts';
import type { TableEvent } from '../../../../src/core/batch.ts';
import { shapeOf, type Table } from '../../../../src/core/table.ts';
import * as messages from '../messages.ts';

const customer = messages.table(100, 'customer');
const other = messages.table(200, 'other');

const asStreaming = (table: Table<'raw'>): Streaming => ({
  table,
  copied: { name: table.name, oid: table.oid, shape: shapeOf(table), marks: fingerprintOf(present(table)) },
});

const present = (table: Table<'raw'>, leaves: readonly Leaf[] = []) =>
  ({ table, leaves, publishing: null, types: [], generated: [], problem: null }) as unknown as ReadTable;

function reading(tables: Record<string, TableReading>, xmax: bigint, running: bigint[] = []): Reading {
  return { lsn: 0n, snapshot: { xmin: running[0] ?? xmax, xmax, running }, tables: new Map(Object.entries(tables)) };
}

const both = { 'public.customer': present(customer), 'public.other': present(other) };

/** Relations of both tables; each look at the catalog takes the next reading. */
function relations(first: Reading, ...looks: Reading[]) {
  const looked: string[] = [];
  const streaming = new Map([customer, other].map((table) => [table.name, asStreaming(table)]));
  const copiedAs = new Map([customer, other].map((table) => [table.oid, table.name]));
  const made = new Relations(
    { streaming, copiedAs, reading: first },
    async (name) => {
      looked.push(name);
      return looks.shift() ?? assert.fail('one look too many');
    },
    () => {},
  );
  const receive = (table: Table<'raw'>, xid: number) => {
    made.received(messages.relationOf(table) as Parameters<Relations['received']>[0], xid);
    return made.of(table.oid);
  };
  return { made, looked, receive };
}

test('a RELATION from before the first reading is answered by that, without another look', async () => {
  const { made, receive, looked } = relations(reading(both, 800n));
  const known = receive(customer, 799);
  assert.equal(known.isOpen, true);
  assert.deepEqual(await made.settle(known, 1n), []);
  assert.deepEqual([known.isOpen, known.table, looked.length], [false, customer, 0]);
});

test('a RELATION equal to the one before is a question as well', async () => {
  const now = reading({ 'public.customer': present(customer) }, 902n);
  const { made, receive, looked } = relations(reading(both, 800n), now);
  const first = receive(customer, 700);
  assert.deepEqual(await made.settle(first, 1n), []);
  assert.deepEqual([first.isOpen, first.table], [false, customer]);
  const second = receive(customer, 901);
  assert.equal(second.isOpen, true);
  assert.deepEqual(await made.settle(second, 2n), []);
  assert.deepEqual([second.isOpen, second.table, looked], [false, customer, ['public.customer']]);
});

test('a look that does not see the transaction as finished does not count', async () => {
  const before = { 'public.customer': present(customer) };
  const definition = { ...customer, columns: customer.columns.slice(0, 1) };
  const after = { 'public.customer': present(definition) };
  const looks = [reading(before, 900n), reading(before, 905n, [901n]), reading(after, 905n)];
  const { made, receive, looked } = relations(reading(both, 800n), ...looks);
  const known = receive(customer, 901);
  const state = { state: 'stale', since: 55n, reason: 'column note is gone' };
  const stopped = { type: 'stopped', name: 'public.customer', oid: 100, state, definition };
  assert.deepEqual(await made.settle(known, 55n), [stopped]);
  assert.deepEqual([known.isOpen, known.table, looked.length], [false, null, 3]);
});

test('a stopped table asks nothing more and has no rows, under any RELATION', async () => {
  const gone = { 'public.customer': present({ ...customer, key: [1] }) };
  const { made, receive } = relations(reading(both, 800n), reading(gone, 950n));
  await made.settle(receive(customer, 901), 1n);
  const known = receive(customer, 902);
  assert.deepEqual([known.isOpen, known.table], [false, null]);
});

test('generated columns that were there at the copy are left out of rows; one that came later stops the table', async () => {
  const [generated] = messages.table(100, 'customer', ['id', 'note', 'upper']).columns.slice(2);
  const widened = messages.table(100, 'customer', ['id', 'note', 'upper']);
  const now = { ...present(customer), generated: [generated!] };
  const withIt = fingerprintOf(now);
  for (const [marks, says] of [
    [withIt, null],
    [fingerprintOf(present(customer)), 'it had other columns'],
    [{ ...withIt, generated: undefined }, 'it had other columns'],
  ] as const) {
    const streaming = new Map([
      [customer.name, { table: customer, copied: { ...asStreaming(customer).copied, marks } }],
    ]);
    const copiedAs = new Map([[customer.oid, customer.name]]);
    const first = reading({ 'public.customer': now }, 800n);
    const made = new Relations(
      { streaming, copiedAs, reading: first } as never,
      () => assert.fail(),
      () => {},
    );
    made.received(messages.relationOf(widened) as Parameters<Relations['received']>[0], 700);
    const known = made.of(customer.oid);
    const [stop] = await made.settle(known, 9n);
    assert.deepEqual(stop?.type === 'stopped' ? stop.state : null, says && { state: 'stale', since: 9n, reason: says });
    if (says === null) assert.deepEqual([known.table, known.omitted], [customer, [2]]);
    else assert.equal(known.table, null);
  }
});

test('a RELATION that differs stops the table even where the catalog is as it was: a column added and dropped', async () => {
  const { made, receive } = relations(reading(both, 800n));
  const known = receive({ ...customer, columns: messages.table(100, 'customer', ['id', 'note', 'more']).columns }, 700);
  const [stop] = await made.settle(known, 9n);
  assert.deepEqual(stop, {
    type: 'stopped',
    name: 'public.customer',
    oid: 100,
    state: { state: 'stale', since: 9n, reason: 'it had other columns' },
    definition: null,
  });
});

test('two tables that swap names both halt at the first row of either', async () => {
  const swapped = present({ ...other, relation: 'customer', name: 'public.customer' });
  for (const [table, oid] of [
    [{ ...other, relation: 'customer' }, 200],
    [customer, 100],
  ] as const) {
    const own = table.oid === 100 ? 'public.customer' : 'public.other';
    const usurper = table.oid === 100 ? swapped : present({ ...customer, relation: 'other', name: 'public.other' });
    const { made, receive } = relations(reading(both, 800n), reading({ [own]: usurper }, 950n));
    const stops = await made.settle(receive(table, 901), 1n);
    const states = stops.map((stop) => stop.type === 'stopped' && [stop.name, stop.state]);
    const halted = { state: 'halted', code: 'names_moved' };
    assert.deepEqual(
      new Map(states as never),
      new Map([
        ['public.customer', halted],
        ['public.other', halted],
      ]),
    );
    assert.equal(made.of(oid).table, null);
  }
});

test('a table made anew under the name stops the one that was copied, and its own rows are not taken for it', async () => {
  const anew = { ...customer, oid: 300 };
  const { made, receive } = relations(reading(both, 800n), reading({ 'public.customer': present(anew) }, 950n));
  const old = receive(customer, 700);
  await made.settle(old, 1n);
  const known = receive(anew, 901);
  assert.equal(known.isOpen, true);
  const [stop] = await made.settle(known, 2n);
  assert.deepEqual(stop, {
    type: 'stopped',
    name: 'public.customer',
    oid: 100,
    state: { state: 'stale', since: 2n, reason: 'another table stands under its name' },
    definition: anew,
  });
  assert.deepEqual([known.table, old.table], [null, null]);
});

test('a stranger that stood under the name for a while is ignored, and the table goes on', async () => {
  const now = { 'public.customer': present(customer) };
  const { made, receive } = relations(reading(both, 800n), reading(now, 950n));
  const own = receive(customer, 700);
  await made.settle(own, 1n);
  const known = receive({ ...customer, oid: 300 }, 901);
  assert.deepEqual(await made.settle(known, 2n), []);
  assert.deepEqual([known.table, own.table], [null, customer]);
});

test('a table whose name is gone halts as missing', async () => {
  const problem = { oid: 0, code: 'table_missing', message: '', fix: '' } as const;
  const missing = { 'public.customer': { table: null, leaves: [] as const, problem } };
  const { made, receive } = relations(reading(both, 800n), reading(missing, 950n));
  const [stop] = await made.settle(receive({ ...customer, relation: 'renamed' }, 901), 1n);
  assert.deepEqual(stop, {
    type: 'stopped',
    name: 'public.customer',
    oid: 100,
    state: { state: 'halted', code: 'table_missing' },
    definition: null,
  });
});

test('a look at the catalog stops what changed without a row, answers what is asked later, and leaves the others alone', async () => {
  const wider = messages.table(100, 'customer', ['id', 'note', 'more']);
  const { made, receive } = relations(reading(both, 800n));
  const known = receive(customer, 700);
  await made.settle(known, 1n);
  const seen = reading({ ...both, 'public.customer': present(wider) }, 950n);
  const stops = made.looked(seen, 5n);
  assert.deepEqual(
    stops.map((stop) => stop.type === 'stopped' && [stop.name, stop.state]),
    [['public.customer', { state: 'stale', since: 5n, reason: 'column more is new' }]],
  );
  assert.equal(known.table, null);
  assert.deepEqual(made.looked(seen, 6n), [], 'it has stopped already');
  assert.deepEqual(await made.settle(receive(other, 901), 7n), []);
});

describe('what a look finds and a truncate explains', () => {
  const lying = (relfilenode: number, changedBy: number) => {
    const leaf = { oid: 1, relation: 'leaf', relfilenode, changedBy, columnsChangedBy: [1], toast: 0, attachedBy: '1' };
    return present(customer, [leaf as unknown as Leaf]);
  };
  const look = (leaf: TableReading) => reading({ 'public.customer': leaf }, 950n);
  const copied = { name: customer.name, oid: customer.oid, shape: shapeOf(customer) };

  /** A stream that goes on from a fingerprint. */
  const streamFrom = (marks: Marks) => {
    const streaming = new Map([['public.customer', { table: customer, copied: { ...copied, marks } }]]);
    const made = new Relations({ streaming, copiedAs: new Map(), reading: look(lying(1, 700)) }, assert.fail, () => {});
    return { made, looked: (leaf: TableReading) => made.looked(look(leaf), 1n).map(told) };
  };
  const told = (event: TableEvent<'raw'>) =>
    event.type === 'noted' ? (event.fingerprint as Marks) : event.type === 'stopped' && event.state.state;

  test('is noted once, and is where the next look begins', () => {
    const { made, looked } = streamFrom(fingerprintOf(lying(1, 700)));
    const before = fingerprintOf(lying(1, 700), 900);
    assert.deepEqual(told(made.truncated(customer, 900)), before);
    assert.deepEqual(looked(lying(1, 700)), [], 'the truncate was not to be seen yet');
    assert.deepEqual(looked(lying(2, 900)), [fingerprintOf(lying(2, 900), 900)]);
    assert.deepEqual(looked(lying(2, 901)), [], 'a GRANT is no reason to write anything');
    assert.deepEqual(looked(lying(3, 901)), ['stale']);
  });

  test('of several truncates the look may show any', () => {
    const { made, looked } = streamFrom(fingerprintOf(lying(1, 700)));
    for (const xid of [900, 901, 960]) made.truncated(customer, xid);
    assert.deepEqual(looked(lying(2, 901)), [fingerprintOf(lying(2, 901), 960)]);
    assert.deepEqual(looked(lying(3, 960)), [fingerprintOf(lying(3, 960), 960)]);
  });

  test('is explained after a restart too: the truncate lies behind it and is not sent again', () => {
    const noted = streamFrom(fingerprintOf(lying(1, 700))).made.truncated(customer, 900);
    const stored: Marks = JSON.parse(JSON.stringify(told(noted)));
    assert.deepEqual(streamFrom(stored).looked(lying(2, 900)), [fingerprintOf(lying(2, 900), 900)]);
    assert.deepEqual(streamFrom(stored).looked(lying(2, 901)), ['stale']);
  });

  test('a row behind a new partition stops the table before the look does, one behind a new file waits for it', async () => {
    const settled = async (now: TableReading) => {
      const streaming = new Map([
        ['public.customer', { table: customer, copied: { ...copied, marks: fingerprintOf(lying(1, 700)) } }],
      ]);
      const streams = { streaming, copiedAs: new Map([[100, 'public.customer']]), reading: look(now) };
      const made = new Relations(streams, assert.fail, () => {});
      made.received(messages.relationOf(customer) as Parameters<Relations['received']>[0], 900);
      return (await made.settle(made.of(100), 1n)).map(told);
    };
    assert.deepEqual(await settled(lying(2, 900)), []);
    assert.deepEqual(await settled(present(customer)), ['stale']);
  });
});

test('an unlisted table and a leaf under its root ask nothing', () => {
  const { receive } = relations(reading(both, 800n));
  const known = receive(messages.table(500, 'customer_2026'), 901);
  assert.deepEqual([known.isOpen, known.table], [false, null]);
});

test('a row without a RELATION before it is a protocol violation', () => {
  assert.throws(() => relations(reading(both, 800n)).made.of(100), { code: 'protocol_violation' });
});
