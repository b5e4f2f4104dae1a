import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { test } from 'node:test';
import { compact } from '../../../../sinks/lake/care/compact.ts';
import type { Tended } from '../../../../sinks/lake/care/tended.ts';
import { assertErasable, type Receipt, vacuum } from '../../../../sinks/lake/care/vacuum.ts';
import { storedEpoch } from '../../../../sinks/lake/claim.ts';
import type { Storage } from '../../../../sinks/lake/storage/storage.ts';
import { signal } from '../../../acceptance/sink-trial.ts';
import {
  copyOf,
  copyStarted,
  insert,
  nextGeneration,
  positionAt,
  type Row,
  reads,
  remove,
  update,
  writeCopy,
} from '../../../support/batches.ts';
import { Random } from '../../../support/random/prng.ts';
import { until } from '../../../support/wait.ts';
import { FaultyStorage, RandomFaults } from '../faulty.ts';
import { fold } from '../fold.ts';
import { onEveryStorage } from '../storages.ts';
import { namesOf, prepareBench, table } from './bench.ts';
import { DAY_MS, deliver, Workload } from './workload.ts';

const WEEK_MS = 7 * DAY_MS;
const KEEP = { keepMs: WEEK_MS, eraseMs: null, dryRun: false };
const later = (days: number) => Date.now() + days * DAY_MS;

onEveryStorage((makePlace) => {
  const { begin, sinkOn, tendedOn, rowsOf, latestOf, duck } = prepareBench(makePlace);

  async function vacuumed(storage: Storage, days: number, changed = {}): Promise<Receipt> {
    return await vacuum(tendedOn(storage), await storedEpoch(storage), { ...KEEP, now: later(days), ...changed });
  }

  async function parquetOf(storage: Storage): Promise<string[]> {
    return (await namesOf(storage, 'public/tended/')).filter((name) => /\d\/[^/]*\.parquet$/.test(name));
  }

  async function present(tended: Tended): Promise<string[]> {
    return [...(await tended.log.read()).files.keys()].map((path) => `public/tended/${path}`).sort();
  }

  test('files that no version of the last days needs are removed, and no others', async () => {
    const { sink, storage } = await begin();
    const workload = new Workload(table, new Random(1));
    await deliver(
      sink,
      Array.from({ length: 5 }, () => workload.next()),
    );
    await compact(tendedOn(storage));
    const soon = await vacuumed(storage, 6);
    assert.equal(soon.removed.files, 0);
    assert.equal((await parquetOf(storage)).length, 6);
    assert.ok(soon.restDue! > new Date(later(6)).toISOString());
    const asked = await vacuumed(storage, 8, { dryRun: true });
    assert.equal((await parquetOf(storage)).length, 6);
    const { removed, restDue } = await vacuumed(storage, 8);
    assert.deepEqual([removed.files, removed.orphans, restDue], [5, 0, null]);
    assert.deepEqual(asked.removed, removed);
    assert.deepEqual(await parquetOf(storage), await present(tendedOn(storage)));
    assert.deepEqual(await latestOf(storage), workload.latest);
    await sink.close();
  });

  test('of the log what is older goes as well, and writer and reader go on', async () => {
    const { sink, storage, again } = await begin();
    const workload = new Workload(table, new Random(2));
    await deliver(
      sink,
      Array.from({ length: 5 }, () => workload.next()),
    );
    await compact(tendedOn(storage));
    const { removed, oldestVersion } = await vacuumed(storage, 8);
    assert.deepEqual([removed.logEntries, oldestVersion], [6, 6]);
    assert.equal((await namesOf(storage, 'public/tended/_delta_log/')).length, 3); // a version, its checkpoint, which is the last
    assert.equal((await vacuumed(storage, 8)).removed.logEntries, 0);
    await sink.close();
    const next = sinkOn(again());
    await next.open(signal);
    await deliver(next, [workload.next()]);
    await next.close();
    assert.deepEqual(await latestOf(storage), workload.latest);
    assert.equal((await tendedOn(storage).log.read()).version, 7);
  });

  test('a vacuum that is cut off at any entry of the log is finished by the next one', async () => {
    for (let last = 1; last <= 5; last++) {
      const { sink, storage, again } = await begin();
      const workload = new Workload(table, new Random(14));
      const some = (count: number) => Array.from({ length: count }, () => workload.next());
      await deliver(sink, some(5));
      await compact(tendedOn(storage));
      await vacuumed(storage, 8); // leaves a checkpoint at its oldest version
      await deliver(sink, some(4));
      await compact(tendedOn(storage));
      let removed = 0;
      const isLast = (name: string) => name.includes('/_delta_log/') && ++removed === last;
      const dying = new FaultyStorage(again(), (method, name) =>
        method === 'delete' && isLast(name) ? 'after' : null,
      );
      await assert.rejects(vacuumed(dying, 9), { code: 'lake_away' });
      assert.equal(removed, last);
      await vacuumed(storage, 9);
      assert.equal((await vacuumed(storage, 9)).removed.logEntries, 0);
      assert.deepEqual(await latestOf(storage), workload.latest);
      await sink.close();
    }
  });

  test('a writer that has slept meanwhile finds no number free that was one before', async (t) => {
    const { sink, storage } = await begin();
    const workload = new Workload(table, new Random(12));
    await deliver(
      sink,
      Array.from({ length: 4 }, () => workload.next()),
    );
    await compact(tendedOn(storage)); // version 5, of which the writer does not know
    const { removed } = await vacuumed(storage, 8, { eraseMs: 8 * DAY_MS }); // version 6
    assert.equal(removed.logEntries, 6);
    assert.equal((await tendedOn(storage).log.read()).version, 6);
    const slept = Date.now() + 8 * DAY_MS;
    const clock = t.mock.method(Date, 'now', () => slept);
    const transaction = workload.next();
    await sink.write(transaction);
    await sink.flush(transaction.position);
    clock.mock.restore();
    assert.equal((await tendedOn(storage).log.read()).version, 7);
    assert.deepEqual(await latestOf(storage), workload.latest);
    await sink.close();
  });

  test('what a copy under way has written stays, however long it takes, and goes when another writer has taken over', async () => {
    const { sink, storage, again } = await begin();
    const next = nextGeneration(table);
    await sink.write(copyStarted(next));
    const large = 'x'.repeat(1_000_000); // more than it may have in memory
    for (let i = 0; i < 40; i += 10) {
      const rows = Array.from({ length: 10 }, (_, row): Row => [String(i + row), large, null, null]);
      await sink.write(reads(next, 1, rows));
    }
    await sink.write({
      ...reads(next, 1, []),
      events: [{ type: 'chunk finished', table: next, chunk: 1 }],
      chunk: null,
    });
    await until(async () => (await parquetOf(storage)).length > 0, { what: 'a file of the copy' });
    assert.equal((await vacuumed(storage, 100)).removed.orphans, 0);
    await sink.close();
    const successor = sinkOn(again());
    await successor.open(signal);
    const made = (await parquetOf(storage)).length;
    assert.ok(made > 0);
    assert.equal((await vacuumed(storage, 0)).removed.orphans, 0); // its owner may not know it yet
    assert.equal((await vacuumed(storage, 2)).removed.orphans, made);
    assert.deepEqual(await parquetOf(storage), []);
    await successor.close();
  });

  test('what an unfinished compaction left goes after a day, what another put there stays', async () => {
    const { sink, storage, again } = await begin();
    const workload = new Workload(table, new Random(3));
    await deliver(
      sink,
      Array.from({ length: 3 }, () => workload.next()),
    );
    const dying = new FaultyStorage(again(), (method) => (method === 'putIfAbsent' ? 'before' : null));
    await assert.rejects(compact(tendedOn(dying)), { code: 'lake_away' });
    const strange = 'public/tended/_date=2000-01-01/theirs.parquet';
    await storage.put(strange, Buffer.from('not ours'));
    assert.equal((await parquetOf(storage)).length, 5);
    assert.equal((await vacuumed(storage, 0)).removed.orphans, 0);
    assert.equal((await vacuumed(storage, 2)).removed.orphans, 1);
    assert.ok(await storage.get(strange));
    assert.deepEqual(await latestOf(storage), workload.latest);
    await sink.close();
  });

  test('files of a generation before go, too, and the table is the new one', async () => {
    const { sink, storage } = await begin();
    const workload = new Workload(table, new Random(4));
    await deliver(sink, [workload.next(), workload.next()]);
    const next = nextGeneration(table);
    await writeCopy(sink, copyOf(next, [['7', 'copied', null, null]]));
    await sink.flush(positionAt(0x900n));
    assert.equal((await vacuumed(storage, 8)).removed.files, 2);
    assert.deepEqual(fold(next, await rowsOf(storage, next)), [['7', 'copied', null, null]]);
    await sink.close();
  });

  const old = (key: string): Row => [key, null, null, null];

  test('what was deleted, overwritten or moved is in no file any more when it is due, nor in the log', async () => {
    const { sink, storage } = await begin();
    const workload = new Workload(table, new Random(5));
    await deliver(sink, [
      workload.transaction([insert(table, ['1', 'Deleted', null, null]), insert(table, ['2', 'Before', null, null])]),
      workload.transaction([remove(table, old('1')), update(table, ['2', 'Kept', null, null])]),
      workload.transaction([insert(table, ['33333', 'Moved', null, null])]),
      workload.transaction([update(table, ['4', 'Moved', null, null], old('33333'))]),
    ]);
    const day = { eraseMs: DAY_MS, keepMs: 0 }; // older versions are not kept, and what is older is gone within a day
    const receipt = await vacuumed(storage, 2, day);
    const { keys, rows, filesRewritten, filesRemoved, version } = receipt.erased!;
    assert.deepEqual([keys, rows, filesRewritten, filesRemoved, version], [2, 5, 4, 2, 5]);
    assert.equal(receipt.removed.files, 4);
    assert.equal(receipt.restDue, null);
    assert.deepEqual(await latestOf(storage), [
      ['2', 'Kept', null, null],
      ['4', 'Moved', null, null],
    ]);
    for (const value of ['Deleted', 'Before', '33333']) assert.deepEqual(await holding(storage, value), [], value);
    assert.ok((await holding(storage, 'Moved')).length > 0);
    const [stored] = await namesOf(storage, 'public/tended/_receipts/');
    assert.deepEqual(JSON.parse(String(await storage.get(stored!))), receipt);
    await sink.close();
  });

  /** Objects with this text in them, whatever they are compressed with. */
  async function holding(storage: Storage, value: string): Promise<string[]> {
    const found = [];
    for (const name of await namesOf(storage, 'public/tended/')) {
      const content = (await storage.get(name))!;
      const text = name.endsWith('.parquet') ? await textOf(content) : content.toString();
      if (text.includes(value)) found.push(name);
    }
    return found;
  }

  async function textOf(content: Buffer): Promise<string> {
    const path = duck().path('parquet');
    await writeFile(path, content);
    const connection = await duck().connect();
    const rows = await connection.runAndReadAll(`SELECT * FROM read_parquet('${path}')`);
    const footer = await connection.runAndReadAll(`SELECT * FROM parquet_metadata('${path}')`);
    connection.closeSync();
    return JSON.stringify([rows.getRowsJson(), footer.getRowsJson()]);
  }

  test('what is erased from the present version is told of until the versions before it are gone', async () => {
    const { sink, storage } = await begin();
    const workload = new Workload(table, new Random(6));
    await deliver(sink, [
      workload.transaction([insert(table, ['1', 'Deleted', null, null])]),
      workload.transaction([remove(table, old('1'))]),
    ]);
    const month = { eraseMs: 30 * DAY_MS };
    const first = await vacuumed(storage, 0, month);
    assert.deepEqual([first.erased!.rows, first.removed.files], [2, 0]);
    assert.ok((await holding(storage, 'Deleted')).length > 0);
    assert.ok(first.restDue! <= new Date(later(7)).toISOString());
    const second = await vacuumed(storage, 7.1, month);
    assert.deepEqual([second.erased!.rows, second.removed.files, second.restDue], [0, 2, null]);
    assert.deepEqual(await holding(storage, 'Deleted'), []);
    await sink.close();
  });

  test('what fails or is killed at any call does no harm, while others write', async () => {
    const random = new Random(Date.now());
    const { sink, storage, again } = await begin();
    const workload = new Workload(table, random);
    const faults = new RandomFaults(random, 12, 0.1);
    while (faults.left > 0) {
      const writing = deliver(
        sink,
        Array.from({ length: 4 }, () => workload.next()),
      );
      const faulty = new FaultyStorage(again(), faults.next);
      await compact(tendedOn(faulty)).catch(() => {});
      const options = { keepMs: 0, eraseMs: DAY_MS * random.int(1, 20_000), dryRun: false, now: Date.now() };
      await vacuum(tendedOn(faulty), await storedEpoch(storage), options).catch(() => {});
      await writing;
      assert.deepEqual(await latestOf(storage), workload.latest, `seed ${random.seed}`);
    }
    await sink.close();
  });
});

test('older versions may not hold for longer what is to be gone', () => {
  assertErasable(WEEK_MS, null);
  assertErasable(WEEK_MS, 8 * DAY_MS);
  assert.throws(() => assertErasable(WEEK_MS, WEEK_MS), { code: 'command_line' });
});
