import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fold } from '../../../../sinks/lake/care/fold.ts';
import { latestQuery } from '../../../../sinks/lake/care/latest.ts';
import { fieldsOf, rowsOf as relationOf } from '../../../../sinks/lake/care/shape.ts';
import type { Tended } from '../../../../sinks/lake/care/tended.ts';
import { identifier } from '../../../../sinks/lake/parquet/duck.ts';
import { insert, nextGeneration, type Row, remove, UNCHANGED, update } from '../../../support/batches.ts';
import { Random } from '../../../support/random/prng.ts';
import { FaultyStorage, RandomFaults } from '../faulty.ts';
import { onEveryStorage } from '../storages.ts';
import { prepareBench, table } from './bench.ts';
import { DAY_MS, deliver, sorted, Workload } from './workload.ts';

const full = nextGeneration(table, { identity: 'full', generation: 1 });

onEveryStorage((makePlace) => {
  const { begin, tendedOn, rowsOf, latestOf, duck } = prepareBench(makePlace);

  /** What the ready query shows. */
  async function queried(tended: Tended): Promise<Row[]> {
    const { metaData, files } = await tended.log.read();
    const fields = fieldsOf(metaData!);
    const connection = await duck().connect();
    try {
      return await tended.locals([...files.values()], async (paths) => {
        const columns = table.columns.map(({ name }) => identifier(name)).join(', ');
        const query = latestQuery(fields, relationOf(fields, paths));
        const reader = await connection.runAndReadAll(`SELECT ${columns} FROM (${query})`);
        return sorted(reader.getRowsJson() as Row[]);
      });
    } finally {
      connection.closeSync();
    }
  }

  const everything = { before: Infinity, dryRun: false };

  for (const source of [table, full]) {
    test(`the latest state alone is the same state, under REPLICA IDENTITY ${source.identity}`, async () => {
      const random = new Random(Date.now());
      const { sink, storage, again } = await begin(source);
      const workload = new Workload(source, random);
      for (let round = 0; round < 3; round++) {
        await deliver(
          sink,
          Array.from({ length: 15 }, () => workload.next()),
        );
        assert.deepEqual(await queried(tendedOn(storage)), workload.latest, `seed ${random.seed}`);
        await fold(tendedOn(again()), everything);
        assert.deepEqual(await latestOf(storage), workload.latest, `seed ${random.seed}`);
        assert.deepEqual(await queried(tendedOn(storage)), workload.latest, `seed ${random.seed}`);
        const rows = await rowsOf(storage, source);
        assert.equal(rows.length, workload.latest.length, `seed ${random.seed}`);
        assert.ok(
          rows.every(({ previousKey, unchanged }) => previousKey === null && unchanged.length === 0),
          `seed ${random.seed}`,
        );
      }
      await sink.close();
    });
  }

  test('up to a moment a state is left, and every row behind it', async () => {
    const random = new Random(Date.now());
    const { sink, storage, again } = await begin();
    const workload = new Workload(table, random);
    await deliver(
      sink,
      Array.from({ length: 20 }, () => workload.next()),
    );
    const [then, moment] = [workload.latest, workload.now + 1];
    await deliver(
      sink,
      Array.from({ length: 20 }, () => workload.next()),
    );
    const behind = (rows: Awaited<ReturnType<typeof rowsOf>>) => rows.slice(-since);
    const before = await rowsOf(storage);
    const since = before.length - (await countUntil(tendedOn(storage), moment));
    await fold(tendedOn(again()), { before: moment, dryRun: false });
    const after = await rowsOf(storage);
    assert.equal(after.length, then.length + since, `seed ${random.seed}`);
    assert.deepEqual(behind(after), behind(before), `seed ${random.seed}`);
    assert.deepEqual(await latestOf(storage), workload.latest, `seed ${random.seed}`);
    await sink.close();
  });

  async function countUntil(tended: Tended, moment: number): Promise<number> {
    const { metaData, files } = await tended.log.read();
    const fields = fieldsOf(metaData!);
    const connection = await duck().connect();
    const count = await tended.locals([...files.values()], async (paths) => {
      const rows = relationOf(fields, paths);
      return await connection.runAndReadAll(`SELECT count(*) FROM ${rows} WHERE epoch_ms(_commit_ts) < ${moment}`);
    });
    connection.closeSync();
    return Number(count.getRows()[0]![0]);
  }

  test('a value that was not sent comes from under the key that the row had before, and before that', async () => {
    const { sink, storage } = await begin();
    const workload = new Workload(table, new Random(1));
    const old = (key: string): Row => [key, null, null, null];
    await deliver(sink, [
      workload.transaction([insert(table, ['1', 'a', 'large', 'NaN'])]),
      workload.transaction([update(table, ['1', 'b', UNCHANGED, UNCHANGED])]),
      workload.transaction([update(table, ['2', 'c', UNCHANGED, UNCHANGED], old('1'))]),
      workload.transaction([insert(table, ['1', 'another', 'not it', '1.00'])]),
      workload.transaction([update(table, ['3', 'd', UNCHANGED, UNCHANGED], old('2')), remove(table, old('1'))]),
      workload.transaction([update(table, ['3', 'e', UNCHANGED, UNCHANGED])]),
    ]);
    const folded = await fold(tendedOn(storage), everything);
    assert.deepEqual(await rowsOf(storage), [
      { op: 'u', key: '3', previousKey: null, unchanged: [], cells: ['3', 'e', 'large', null] },
    ]);
    assert.deepEqual([folded.keys, folded.filled, folded.filesRewritten, folded.filesRemoved], [2, 1, 6, 5]);
    assert.equal(await textOf(tendedOn(storage)), '{amount=NaN}');
    await sink.close();
  });

  async function textOf(tended: Tended): Promise<unknown> {
    const { metaData, files } = await tended.log.read();
    const connection = await duck().connect();
    const rows = await tended.locals([...files.values()], (paths) =>
      connection.runAndReadAll(`SELECT _text::VARCHAR FROM ${relationOf(fieldsOf(metaData!), paths)}`),
    );
    connection.closeSync();
    return rows.getRows()[0]![0];
  }

  test('where every row lacks a value they are filled in part by part, also from under other keys', async () => {
    const { sink, storage, tidied } = await beginLarge(4_000);
    const folded = await fold(tidied, everything);
    assert.equal(folded.filled, 4_000);
    assert.ok(tidied.parts > 1, `${tidied.parts} parts`);
    const rows = await latestOf(storage);
    assert.equal(rows.length, 4_000);
    for (const [key, name, note, amount] of rows) {
      const first = Number(key) % 4_000; // keys that moved are greater by so much
      assert.deepEqual([name, note, amount], [`later ${first}`, noteOf(first), '1.50']);
    }
    await sink.close();
  });

  const noteOf = (key: number) => `${key} `.repeat(600);

  /** So many rows, each with a large value that its last change, and of every third also a move to another key, left as it was. */
  async function beginLarge(count: number) {
    const { sink, storage } = await begin();
    const keys = Array.from({ length: count }, (_, key) => key);
    const workload = new Workload(table, new Random(5));
    const moved = (key: number) => (key % 3 === 0 ? key + count : key);
    const send = async (changes: Parameters<typeof workload.transaction>[0]) =>
      await deliver(sink, [workload.transaction(changes)]);
    await send(keys.map((key) => insert(table, [`${key}`, 'first', noteOf(key), '1.50'])));
    await send(
      keys.map((key) => {
        const before: Row | undefined = moved(key) === key ? undefined : [`${key}`, null, null, null];
        return update(table, [`${moved(key)}`, 'between', UNCHANGED, UNCHANGED], before);
      }),
    );
    await send(keys.map((key) => update(table, [`${moved(key)}`, `later ${key}`, UNCHANGED, UNCHANGED])));
    const tended = tendedOn(storage);
    const tidied = Object.assign(tended, { parts: 0 });
    tidied.say = (what) => {
      if (what.startsWith('filling')) tidied.parts++;
    };
    return { sink, storage, tidied };
  }

  test('the writer goes on behind it, and a version before it can still be read', async () => {
    const { sink, storage } = await begin();
    const workload = new Workload(table, new Random(3));
    await deliver(
      sink,
      Array.from({ length: 10 }, () => workload.next()),
    );
    const before = (await tendedOn(storage).log.read()).files;
    await fold(tendedOn(storage), { before: workload.now - DAY_MS / 2, dryRun: false });
    await deliver(sink, [workload.next()]);
    assert.deepEqual(await latestOf(storage), workload.latest);
    for (const path of before.keys()) assert.ok(await storage.get(`public/tended/${path}`));
    await sink.close();
  });

  test('what would be left out can be asked for without doing it', async () => {
    const { sink, storage } = await begin();
    const workload = new Workload(table, new Random(4));
    await deliver(
      sink,
      Array.from({ length: 20 }, () => workload.next()),
    );
    const before = await tendedOn(storage).log.read();
    const asked = await fold(tendedOn(storage), { before: Infinity, dryRun: true });
    assert.equal((await tendedOn(storage).log.read()).version, before.version);
    const done = await fold(tendedOn(storage), everything);
    assert.deepEqual([asked.dropped, asked.keys], [done.dropped, done.keys]);
    assert.ok(asked.keys > 0 && done.version !== null);
    await sink.close();
  });

  test('what fails or is killed at any call leaves the latest state as it was, while others write', async () => {
    const random = new Random(Date.now());
    const { sink, storage, again } = await begin();
    const workload = new Workload(table, random);
    const faults = new RandomFaults(random, 15, 0.1);
    while (faults.left > 0) {
      const writing = deliver(
        sink,
        Array.from({ length: 4 }, () => workload.next()),
      );
      const before = random.pick([Infinity, workload.now - DAY_MS / 4]);
      await fold(tendedOn(new FaultyStorage(again(), faults.next)), { before, dryRun: false }).catch(() => {});
      await writing;
      assert.deepEqual(await latestOf(storage), workload.latest, `seed ${random.seed}`);
    }
    await sink.close();
  });
});
