// Exactly once, whatever fails and whoever else writes.
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { Duck } from '../../../sinks/lake/parquet/duck.ts';
import { LakeSink } from '../../../sinks/lake/sink.ts';
import type { Storage } from '../../../sinks/lake/storage/storage.ts';
import type { Checkpoint } from '../../../src/core/checkpoint.ts';
import type { RedactedTable } from '../../../src/core/table.ts';
import { apply, signal } from '../../acceptance/sink-trial.ts';
import {
  copyOf,
  insert,
  nextGeneration,
  positionAt,
  type Row,
  remove,
  sketchTable,
  UNCHANGED,
  update,
  upTo,
  writeCopy,
} from '../../support/batches.ts';
import { Random } from '../../support/random/prng.ts';
import { openDuck } from './delta.ts';
import { FaultyStorage, RandomFaults } from './faulty.ts';
import { fold, lakeRows } from './fold.ts';
import { onEveryStorage, SETTINGS } from './storages.ts';

type Transaction = ReturnType<typeof upTo>;

const TABLES = ['one', 'two', 'three'].map((relation, i) =>
  sketchTable({ relation, oid: 100 + i, columns: { id: 'bigint', name: 'text', note: 'text' }, key: ['id'] }),
);

onEveryStorage((makePlace) => {
  let duck: Duck;
  let directory: string;
  before(async () => {
    duck = await openDuck();
    directory = await mkdtemp(join(tmpdir(), 'pgveil-temporary-'));
  });
  after(async () => {
    await duck.close();
    await rm(directory, { recursive: true, force: true });
  });

  let sinks = 0;
  const sinkOn = (storage: Storage) =>
    new LakeSink({ pipeline: 'once', storage, temporary: join(directory, String(++sinks)), ...SETTINGS });

  /** A lake with empty tables, durable at 0x100. */
  async function begin() {
    const { storage, again } = makePlace();
    const sink = sinkOn(storage);
    await sink.open(signal);
    for (const table of TABLES) await writeCopy(sink, copyOf(table, []));
    await sink.flush(positionAt(0x100n));
    await sink.close();
    return { storage, again };
  }

  const rowsOf = (storage: Storage, table: RedactedTable) => lakeRows(storage, duck, table);

  test('a crash between a table’s commit and the checkpoint brings nothing twice, wherever the next flush ends', async () => {
    const { storage, again } = await begin();
    const [table] = TABLES as [RedactedTable];
    const first = upTo(0x200n, [insert(table, ['1', 'a', null])]);
    const second = upTo(0x300n, [insert(table, ['2', 'b', null]), remove(table, ['1', null, null])]);
    const failing = new FaultyStorage(again(), (method) => (method === 'swap' && isArmed ? 'before' : null));
    let isArmed = false;
    const sink = sinkOn(failing);
    await sink.open(signal);
    isArmed = true;
    await sink.write(first);
    await sink.write(second);
    await assert.rejects(sink.flush(positionAt(0x300n)), { code: 'lake_away' });
    assert.equal((await rowsOf(storage, table)).length, 3);
    const next = sinkOn(again());
    const { position } = await next.open(signal);
    assert.equal(position?.pos, 0x100n);
    await apply(next, first, second, upTo(0x400n, [insert(table, ['3', 'c', null])]));
    assert.deepEqual(
      (await rowsOf(storage, table)).map(({ op, key }) => [op, key]),
      [
        ['c', '1'],
        ['c', '2'],
        ['d', '1'],
        ['c', '3'],
      ],
    );
    await next.close();
  });

  test('an instance that was overtaken after it had looked commits nothing that the other one would write over', async () => {
    const { storage, again } = await begin();
    const [table] = TABLES as [RedactedTable];
    const transaction = upTo(0x200n, [insert(table, ['1', 'a', null])]);
    const successor = sinkOn(again());
    let isArmed = false;
    // Between its look at the checkpoint and its commit the other one opens, and reads the table.
    const held = new FaultyStorage(again(), () => null);
    const upload = held.upload.bind(held);
    held.upload = async (name, file) => {
      if (isArmed) {
        isArmed = false;
        await successor.open(signal);
        await successor.write(transaction);
      }
      await upload(name, file);
    };
    const zombie = sinkOn(held);
    await zombie.open(signal);
    await zombie.write(transaction);
    isArmed = true;
    await assert.rejects(zombie.flush(positionAt(0x200n)), { code: 'fenced' });
    await assert.rejects(successor.flush(positionAt(0x200n)), { code: 'fenced' });
    await successor.open(signal);
    await apply(successor, transaction);
    assert.deepEqual(fold(table, await rowsOf(storage, table)), [['1', 'a', null]]);
    assert.equal((await rowsOf(storage, table)).length, 1);
    await successor.close();
  });

  test('random transactions, faults, flushes and instances come to one row for each change', async () => {
    const { storage, again } = await begin();
    const random = new Random(Date.now());
    const { transactions, models } = transactionsOf(random, 60);
    const faults = new RandomFaults(random, 60, 0.04);
    for (let position = 0x100n; position < transactions.at(-1)!.position.pos; ) {
      const sink = sinkOn(new FaultyStorage(again(), faults.next));
      position = await deliver(sink, transactions, random).catch(() => position);
      if (random.chance(0.5)) await sink.close(); // else it is a zombie
    }
    for (const [i, table] of TABLES.entries()) {
      const rows = await rowsOf(storage, table);
      const latest = fold(table, rows).toSorted((one, other) => Number(one[0]) - Number(other[0]));
      assert.deepEqual(latest, models[i], `seed ${random.seed}`);
      const expected = transactions.flatMap(({ changes }) => changes).filter((change) => change.table === table);
      const moves = expected.filter(({ op, before }) => op === 'update' && before !== null);
      assert.equal(rows.length, expected.length + moves.length, `seed ${random.seed}`);
    }
  });

  test('a recopy takes the place of all files at once, and who asks for the version before still sees them', async () => {
    const { storage, again } = await begin();
    const [table] = TABLES as [RedactedTable];
    const sink = sinkOn(again());
    await sink.open(signal);
    await apply(sink, upTo(0x200n, [insert(table, ['1', 'a', null])]), upTo(0x300n, [insert(table, ['2', 'b', null])]));
    const next = nextGeneration(table);
    await writeCopy(sink, copyOf(next, [['7', 'new', null]]));
    await sink.flush(positionAt(0x400n));
    assert.equal(await sink.settled(next.name), true);
    await sink.close();
    assert.deepEqual(fold(table, await rowsOf(storage, table)), [['7', 'new', null]]);
    assert.equal((await namesOf(storage, 'public/one/_delta_log/')).length, 4); // the copy, two changes, the recopy
    assert.equal((await namesOf(storage, 'public/one/_date=2000-01-01/')).length, 3);
  });

  test('a table at rest costs nothing', async () => {
    const { again } = await begin();
    const touched = new Set<string>();
    const watched = new FaultyStorage(again(), (_, name) => {
      touched.add(name.split('/', 2).join('/'));
      return null;
    });
    const sink = sinkOn(watched);
    await sink.open(signal);
    await apply(sink, upTo(0x200n), upTo(0x300n, [insert(TABLES[0]!, ['1', 'a', null])]));
    await sink.close();
    assert.deepEqual([...touched].sort(), ['_pgveil/checkpoint', '_pgveil/entries', 'public/one']);
  });

  test('a transaction larger than memory may be becomes several files and one commit', async () => {
    const { storage, again } = await begin();
    const [table] = TABLES as [RedactedTable];
    const sink = sinkOn(again());
    await sink.open(signal);
    const changes = Array.from({ length: 60 }, (_, i) => insert(table, [String(i), 'x'.repeat(1_000_000), null]));
    const whole = upTo(0x200n, changes);
    for (let from = 0; from < 60; from += 10) {
      await sink.write({ ...whole, changes: whole.changes.slice(from, from + 10), position: null });
      assert.deepEqual(await rowsOf(storage, table), []);
    }
    await sink.flush(whole.position);
    await sink.close();
    assert.equal((await rowsOf(storage, table)).length, 60);
    assert.ok((await namesOf(storage, 'public/one/_date=2000-01-01/')).length > 1);
  });

  test('a copy from another source, whose positions are lower, loses nothing that comes while it takes its place', async () => {
    const { storage, again } = await begin();
    const [table] = TABLES as [RedactedTable];
    const sink = sinkOn(again());
    await sink.open(signal);
    const next = nextGeneration(table);
    await writeCopy(sink, copyOf(next, [['1', 'a', null]]));
    const flushing = sink.flush(positionAt(0x20n));
    await sink.write(upTo(0x30n, [insert(next, ['2', 'b', null])]));
    await flushing;
    await sink.flush(positionAt(0x30n));
    await sink.close();
    assert.deepEqual(
      fold(next, await rowsOf(storage, next))
        .map(([id]) => id)
        .sort(),
      ['1', '2'],
    );
  });

  test('a table that another has made is not touched', async () => {
    const { storage, again } = await begin();
    const other = new LakeSink({
      pipeline: 'other',
      storage: again(),
      temporary: join(directory, 'other'),
      ...SETTINGS,
    });
    await other.open(signal);
    await assert.rejects(writeCopy(other, copyOf(TABLES[0]!, [['1', 'a', null]])), { code: 'target_exists' });
    await other.close();
    assert.deepEqual(await rowsOf(storage, TABLES[0]!), []);
  });
});

async function namesOf(storage: Storage, prefix: string): Promise<string[]> {
  const names = [];
  for await (const { name } of storage.list(prefix)) names.push(name);
  return names;
}

/** Opens, and writes what is not durable yet; gives the position that is then. */
async function deliver(sink: LakeSink, transactions: readonly Transaction[], random: Random): Promise<bigint> {
  const { position }: Checkpoint = await sink.open(signal);
  let durable = position!.pos;
  for (const transaction of transactions) {
    if (transaction.position.witness!.clsn < durable) continue;
    await sink.write(transaction);
    if (transaction !== transactions.at(-1) && random.chance(0.6)) continue;
    await sink.flush(transaction.position);
    durable = transaction.position.pos;
  }
  return durable;
}

/** Transactions over all tables, and what each table amounts to behind them, sorted by key. */
function transactionsOf(random: Random, count: number) {
  const models = TABLES.map(() => new Map<string, Row>());
  const transactions = Array.from({ length: count }, (_, i) => {
    const changes = Array.from({ length: random.int(1, 5) }, () => {
      const at = random.int(0, TABLES.length - 1);
      return changeOf(random, TABLES[at]!, models[at]!);
    });
    return upTo(0x200n + 0x10n * BigInt(i), changes);
  });
  const sorted = models.map((model) => [...model.values()].toSorted((one, other) => Number(one[0]) - Number(other[0])));
  return { transactions, models: sorted };
}

function changeOf(random: Random, table: RedactedTable, model: Map<string, Row>) {
  const [key, fresh] = [random.pick(['none', ...model.keys()]), String(random.int(1, 1_000_000_000))];
  const row = model.get(key);
  if (!row) {
    model.set(fresh, [fresh, 'new', 'large']);
    return insert(table, [fresh, 'new', 'large']);
  }
  const what = random.pick(['delete', 'move', 'update', 'update'] as const);
  const to = what === 'move' ? fresh : key;
  model.delete(key);
  if (what === 'delete') return remove(table, [key, null, null]);
  model.set(to, [to, fresh, row[2]!]);
  return update(table, [to, fresh, UNCHANGED], what === 'move' ? [key, null, null] : undefined);
}
