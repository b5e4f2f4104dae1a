import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bins, compact } from '../../../../sinks/lake/care/compact.ts';
import { signal } from '../../../acceptance/sink-trial.ts';
import { copyOf, nextGeneration, positionAt, writeCopy } from '../../../support/batches.ts';
import { Random } from '../../../support/random/prng.ts';
import { addOf } from '../delta.ts';
import { FaultyStorage, RandomFaults } from '../faulty.ts';
import { fold } from '../fold.ts';
import { onEveryStorage } from '../storages.ts';
import { prepareBench, table } from './bench.ts';
import { deliver, Workload } from './workload.ts';

onEveryStorage((makePlace) => {
  const { begin, sinkOn, tendedOn, rowsOf, latestOf } = prepareBench(makePlace);

  test('small files of a day become one, and every row stays as it was', async () => {
    const { sink, storage, again } = await begin();
    const workload = new Workload(table, new Random(7));
    await deliver(
      sink,
      Array.from({ length: 30 }, () => workload.next()),
    );
    const before = await rowsOf(storage);
    const done = await compact(tendedOn(again()));
    assert.deepEqual(await rowsOf(storage), before);
    assert.deepEqual([done.filesBefore, done.filesAfter], [30, 3]);
    assert.equal(done.versions.length, 1);
    const { files } = await tendedOn(storage).log.read();
    const days = [...files.values()].map(({ partitionValues }) => partitionValues._date);
    assert.deepEqual(days, ['2000-01-01', '2000-01-02', '2000-01-03']);
    await sink.close();
  });

  test('the writer goes on behind a compaction, and a second one has nothing to do', async () => {
    const { sink, storage } = await begin();
    const workload = new Workload(table, new Random(8));
    await deliver(sink, [workload.next(), workload.next()]);
    await compact(tendedOn(storage));
    await deliver(sink, [workload.next()]);
    assert.deepEqual((await compact(tendedOn(storage))).versions.length, 1);
    assert.deepEqual((await compact(tendedOn(storage))).versions, []);
    assert.deepEqual(await latestOf(storage), workload.latest);
    await sink.close();
  });

  test('a compaction that a writer is faster than goes behind its rows', async () => {
    const { sink, storage, again } = await begin();
    const workload = new Workload(table, new Random(9));
    await deliver(sink, [workload.next(), workload.next()]);
    const slow = new FaultyStorage(again(), () => null);
    const putIfAbsent = slow.putIfAbsent.bind(slow);
    let raced = 0;
    slow.putIfAbsent = async (name, bytes) => {
      if (raced++ < 3) await deliver(sink, [workload.next()]);
      return await putIfAbsent(name, bytes);
    };
    assert.equal((await compact(tendedOn(slow))).versions.at(0), 6); // the copy, five transactions
    assert.deepEqual(await latestOf(storage), workload.latest);
    await sink.close();
  });

  test('a recopy that comes between is what is compacted, and nothing of the generation before comes back', async () => {
    const { sink, storage, again } = await begin();
    const workload = new Workload(table, new Random(10));
    await deliver(sink, [workload.next(), workload.next()]);
    const next = nextGeneration(table);
    const slow = new FaultyStorage(again(), () => null);
    const upload = slow.upload.bind(slow);
    let isCopied = false;
    slow.upload = async (name, file) => {
      await upload(name, file);
      if (isCopied) return;
      isCopied = true;
      await writeCopy(sink, copyOf(next, [['7', 'copied', null, null]]));
      await sink.flush(positionAt(0x900n));
    };
    assert.deepEqual((await compact(tendedOn(slow))).versions, []);
    assert.deepEqual(fold(next, await rowsOf(storage, next)), [['7', 'copied', null, null]]);
    const files = (await tendedOn(storage).log.read()).files;
    assert.equal(files.size, 1);
    await sink.close();
  });

  test('what fails or is killed at any call leaves the table as it was or compacted, while others write', async () => {
    const random = new Random(Date.now());
    const { sink, storage, again } = await begin();
    const workload = new Workload(table, random);
    const faults = new RandomFaults(random, 25, 0.15);
    while (faults.left > 0) {
      const writing = deliver(
        sink,
        Array.from({ length: 3 }, () => workload.next()),
      );
      await compact(tendedOn(new FaultyStorage(again(), faults.next))).catch(() => {});
      await writing;
    }
    const before = await rowsOf(storage);
    await compact(tendedOn(storage));
    assert.deepEqual(await rowsOf(storage), before, `seed ${random.seed}`);
    assert.deepEqual(await latestOf(storage), workload.latest, `seed ${random.seed}`);
    await sink.close();
    const next = sinkOn(again());
    await next.open(signal);
    await deliver(next, [workload.next()]);
    assert.deepEqual(await latestOf(storage), workload.latest, `seed ${random.seed}`);
    await next.close();
  });

  test('of two at once each file is replaced by one of them', async () => {
    const { sink, storage, again } = await begin();
    const workload = new Workload(table, new Random(11));
    await deliver(
      sink,
      Array.from({ length: 10 }, () => workload.next()),
    );
    const before = await rowsOf(storage);
    await Promise.all([compact(tendedOn(again())), compact(tendedOn(again()))]);
    assert.deepEqual(await rowsOf(storage), before);
    await sink.close();
  });
});

test('files are put together up to 128 MB, of large rows 16 MB, by day, in the order of the stream, and full ones stay', () => {
  const file = (path: string, size: number, lsn: number, day = '2026-11-21', numRecords = 1e6) =>
    addOf(path, {
      size: size * 1024 * 1024,
      partitionValues: { _date: day },
      stats: JSON.stringify({ numRecords, minValues: { _commit_lsn: lsn } }),
    }).add!;
  const files = [
    file('late', 50, 9),
    file('early', 60, 1),
    file('full', 96, 2),
    file('mid', 40, 3),
    file('alone', 1, 1, '2026-11-22'),
    file('last', 10, 10),
    file('documents', 9, 11, '2026-11-21', 100),
    file('pictures', 8, 12, '2026-11-21', 100),
    file('notes', 5, 13, '2026-11-21', 100),
  ];
  assert.deepEqual(
    bins(files).map((bin) => bin.map(({ path }) => path)),
    [
      ['early', 'mid'],
      ['late', 'last'],
      ['pictures', 'notes'],
    ],
  );
});
