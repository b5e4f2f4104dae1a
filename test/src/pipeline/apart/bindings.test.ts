import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Sink } from '../../../../src/core/sink.ts';
import { Bindings } from '../../../../src/pipeline/apart/bindings.ts';
import { Group } from '../../../../src/pipeline/apart/group.ts';
import { OwnRoster } from '../../../../src/pipeline/apart/own-roster.ts';
import type { SlotKeeper } from '../../../../src/pipeline/apart/slot-keeper.ts';
import type { Running } from '../../../../src/pipeline/roster.ts';
import { until } from '../../../support/wait.ts';
import { entryOf, positionAt } from '../parts.ts';
import { keepAway, running, trial } from './group.ts';

const NAME = 'public.t';

const waiting = { state: 'halted', code: 'names_unknown' } as const;

const bound = (number: number) => new Map([[NAME, entryOf({ binding: { number, columns: [] } })]]);
const numberIn = (entries: ReadonlyMap<string, { binding: { number: number } }>) => entries.get(NAME)?.binding.number;

test('names are known once each sink was read, and of each table the newest binding counts', () => {
  const bindings = new Bindings(['a', 'b']);
  bindings.read('a', bound(2));
  assert.equal(bindings.areKnown, false);
  bindings.read('b', bound(1));
  assert.equal(bindings.areKnown, true);
  assert.equal(numberIn(bindings.newest), 2);
});

test('what a session binds counts for those that run, and for those to come when a sink has it', () => {
  const bindings = new Bindings(['a']);
  bindings.bound(bound(1));
  assert.deepEqual([numberIn(bindings.newest), numberIn(bindings.durable)], [1, undefined]);
  bindings.read('a', bound(1));
  assert.equal(numberIn(bindings.durable), 1);
});

test('a sink that reads by itself learns at once what the others bind, and they what it binds', async () => {
  const { wal, c, sinks, redactor, ownRedactors, parts, states } = trial();
  await running(parts, async () => {
    wal.commit(10n);
    await until(async () => c.durable?.pos === 10n, { what: 'all to hold the first' });
    const door = keepAway(c);
    wal.commit(20n);
    await until(async () => states().includes('parked'), { what: 'c to be parked' });
    const back = Promise.withResolvers<void>();
    c.beforeWrite = () => back.promise;
    door.isAway = false;
    await until(async () => ownRedactors.some(({ names }) => names !== null), { what: 'c to read by itself' });
    const own = ownRedactors.find(({ names }) => names !== null)!;
    assert.equal(numberIn(own.names!.newest), undefined);
    redactor.binds.set(30n, bound(1));
    own.binds.set(40n, bound(2));
    wal.commit(30n);
    await until(async () => sinks.get('a')!.durable?.pos === 30n, { what: 'the others to read on' });
    assert.equal(numberIn(own.names!.newest), 1);
    back.resolve();
    wal.commit(40n);
    await until(async () => numberIn(redactor.names!.newest) === 2, { what: 'what c bound' });
  });
});

test('a table that waited for the last sink to say what it bound is taken in by a session that begins at once', () => {
  const group = new Group({} as SlotKeeper, ['a', 'b']);
  const checkpoint = { position: null, tables: bound(1) };
  let ended = 0;
  const session = {
    entries: new Map([[NAME, entryOf({ state: waiting })]]),
    isCopying: false,
    end: () => void ended++,
  };
  group.read('a', checkpoint);
  group.gathered(new Map());
  group.begin(session as unknown as Running);
  assert.deepEqual([ended, group.isToGoOn], [0, false]);
  group.read('b', checkpoint);
  assert.deepEqual([ended, group.isToGoOn], [1, true]);
  group.ended();
  group.gathered(new Map());
  assert.equal(group.isToGoOn, false);
});

test('what a sink bound in another database than the others read from does not count', () => {
  const [before, now] = [positionAt(5n), positionAt(5n)];
  const group = new Group({} as SlotKeeper, ['a', 'b']);
  const history = { ...now.history, databaseOid: 2 };
  group.begin({ entries: bound(1), isCopying: false, history } as unknown as Running);
  group.read('a', { position: before, tables: bound(3) });
  assert.equal(numberIn(group.bindings.newest), undefined);
  group.read('b', { position: { ...now, history }, tables: bound(2) });
  assert.deepEqual([numberIn(group.bindings.newest), group.bindings.areKnown], [2, true]);
  group.ended();
  assert.equal(group.history, history);
});

test('a sink that comes to another database finds there what the others bound in it', () => {
  const group = new Group({} as SlotKeeper, ['a', 'b']);
  const { history } = positionAt(5n);
  const other = { ...history, databaseOid: 2 };
  const roster = new OwnRoster('b', {} as Sink, group);
  const [there, elsewhere] = [roster.namesIn(history), roster.namesIn(other)];
  assert.equal(there.newest.size, 0);
  group.begin({ entries: bound(1), isCopying: false, history } as unknown as Running);
  assert.deepEqual([there.newest, elsewhere.newest], [bound(1), new Map()]);
});

test('no copy is interrupted for a table that waits for an answer, nor a session in which none does', () => {
  const sessions = [
    { entries: new Map([[NAME, entryOf({ state: waiting })]]), isCopying: true },
    { entries: bound(1), isCopying: false },
  ];
  for (const session of sessions) {
    const group = new Group({} as SlotKeeper, ['a']);
    group.begin({ ...session, end: () => assert.fail('ended') } as unknown as Running);
    group.read('a', { position: null, tables: bound(1) });
    assert.equal(group.isToGoOn, false);
  }
});

test('the session ends at the next answer after the copy', () => {
  const session = { entries: new Map([[NAME, entryOf({ state: waiting })]]), isCopying: true, ended: 0 };
  const group = new Group({} as SlotKeeper, ['a']);
  group.begin(Object.assign(session, { end: () => void session.ended++ }) as unknown as Running);
  group.read('a', { position: null, tables: new Map() });
  assert.equal(session.ended, 0);
  session.isCopying = false;
  group.read('a', { position: null, tables: new Map() });
  assert.equal(session.ended, 1);
});
