import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compact } from '../../../../sinks/lake/care/compact.ts';
import { vacuum } from '../../../../sinks/lake/care/vacuum.ts';
import { type Verified, verify } from '../../../../sinks/lake/care/verify.ts';
import { storedCheckpoint } from '../../../../sinks/lake/claim.ts';
import { type Action, decodeCommit, encodeCommit } from '../../../../sinks/lake/delta/action.ts';
import { commitInfo } from '../../../../sinks/lake/delta/commit-info.ts';
import type { Storage } from '../../../../sinks/lake/storage/storage.ts';
import { insert, type Row, UNCHANGED, update } from '../../../support/batches.ts';
import { Random } from '../../../support/random/prng.ts';
import { onEveryStorage } from '../storages.ts';
import { prepareBench, table } from './bench.ts';
import { DAY_MS, deliver, Workload } from './workload.ts';

onEveryStorage((makePlace) => {
  const { begin, tendedOn } = prepareBench(makePlace);

  async function verified(storage: Storage): Promise<Verified> {
    const checkpoint = await storedCheckpoint(storage);
    return await verify(tendedOn(storage), checkpoint);
  }

  /** A lake with three files, whose last has the row of `row`. */
  async function beginWith(row: Row) {
    const begun = await begin();
    const workload = new Workload(table, new Random(1));
    const rows: Row[] = [['1', 'a', 'large', '1.00'], ['2', 'b', 'large', '2.00'], row];
    await deliver(
      begun.sink,
      rows.map((one) => workload.transaction([insert(table, one)])),
    );
    await begun.sink.close();
    return begun;
  }

  const messages = ({ problems }: Verified) => problems.map(({ about, message }) => `${about}: ${message}`);
  const nameOf = (version: number) => `public/tended/_delta_log/${String(version).padStart(20, '0')}.json`;

  async function change(storage: Storage, version: number, change: (action: Action) => Action): Promise<void> {
    const actions = decodeCommit((await storage.get(nameOf(version)))!);
    await storage.put(nameOf(version), encodeCommit(actions.map(change)));
  }

  async function lastAdd(storage: Storage) {
    return [...(await tendedOn(storage).log.read()).files.values()].at(-1)!;
  }

  test('nothing is wrong with what a pipeline wrote and care was taken of', async () => {
    const random = new Random(Date.now());
    const { sink, storage, again } = await begin();
    const workload = new Workload(table, random);
    for (let round = 0; round < 3; round++) {
      await deliver(
        sink,
        Array.from({ length: 12 }, () => workload.next()),
      );
      assert.deepEqual(messages(await verified(storage)), [], `seed ${random.seed}`);
      await compact(tendedOn(again()));
      const options = { keepMs: 0, eraseMs: DAY_MS + Date.now() - workload.now + DAY_MS / 2, dryRun: false };
      await vacuum(tendedOn(again()), 1, { ...options, now: Date.now() });
    }
    await tendedOn(again()).log.writeCheckpoint(Date.now());
    const { versions, files, rows, problems } = await verified(storage);
    assert.deepEqual(problems, [], `seed ${random.seed}`);
    assert.ok(versions![1] > 36 && files > 0 && rows >= workload.latest.length);
    await sink.close();
  });

  test('a table that is not there yet is in order', async () => {
    const { storage } = makePlace();
    assert.deepEqual((await verified(storage)).problems, []);
  });

  test('a version, a file or a checkpoint that is not there or damaged is found', async () => {
    const { storage } = await beginWith(['3', 'c', null, null]);
    const add = await lastAdd(storage);
    const content = (await storage.get(`public/tended/${add.path}`))!;
    await storage.put(`public/tended/${add.path}`, content.subarray(1));
    assert.deepEqual(messages(await verified(storage)), [`file: ${add.path} has another size than the log says`]);
    await storage.put(`public/tended/${add.path}`, Buffer.alloc(content.length));
    assert.deepEqual(messages(await verified(storage)), [`file: ${add.path} cannot be read`]);
    await storage.delete(`public/tended/${add.path}`);
    assert.deepEqual(messages(await verified(storage)), [`file: ${add.path} is not there`]);
    const version = (await storage.get(nameOf(2)))!;
    await storage.put(nameOf(2), Buffer.from('{"add":'));
    assert.deepEqual(messages(await verified(storage)), ['log: a version cannot be read']);
    await storage.delete(nameOf(2));
    assert.deepEqual(messages(await verified(storage)), ['log: the log of public.tended lacks version 2']);
    await storage.put(nameOf(2), version);
  });

  test('a checkpoint of the log that says something else than its versions is found', async () => {
    const { storage } = await beginWith(['3', 'c', null, null]);
    await tendedOn(storage).log.writeCheckpoint(Date.now());
    await change(storage, 1, (action) => (action.add ? { add: { ...action.add, size: action.add.size + 1 } } : action));
    const found = messages(await verified(storage));
    assert.ok(found.includes('log: checkpoint 3 differs from the versions up to it'));
    assert.ok(found.includes('log: a reader that begins with the last checkpoint does not come to the same table'));
  });

  test('statistics that are not those of the rows are found', async () => {
    const { storage } = await beginWith(['3', 'c', null, null]);
    const { path } = await lastAdd(storage);
    // biome-ignore lint/suspicious/noExplicitAny: as JSON has it
    const lie = async (changed: (stats: any) => void) => {
      await change(storage, 3, ({ add, ...other }) => {
        if (!add) return other;
        const stats = JSON.parse(add.stats!);
        changed(stats);
        return { add: { ...add, stats: JSON.stringify(stats) } };
      });
      return messages(await verified(storage));
    };
    const told = (what: string) => [`file: ${path} has ${what} than the log says`];
    assert.deepEqual(await lie(({ minValues }) => Object.assign(minValues, { id: 4 })), told('less in id'));
    assert.deepEqual(await lie(({ minValues }) => Object.assign(minValues, { id: 2 })), []);
    assert.deepEqual(await lie(({ maxValues }) => Object.assign(maxValues, { name: 'b' })), told('more in name'));
    assert.deepEqual(await lie(({ maxValues }) => Object.assign(maxValues, { name: 'd' })), []);
    const nulls = (note: number) => lie(({ nullCount }) => Object.assign(nullCount, { note }));
    assert.deepEqual(await nulls(0), told('another number of nulls in note'));
    assert.deepEqual(await nulls(1), []);
    assert.deepEqual(await lie((stats) => Object.assign(stats, { numRecords: 2 })), told('another number of rows'));
    await change(storage, 3, ({ add, ...other }) =>
      add ? { add: { ...add, partitionValues: { _date: '2001-01-01' } } } : other,
    );
    assert.ok(messages(await verified(storage)).includes(`file: ${path} has rows of another day`));
  });

  test('rows that are there twice, or behind the position, are found', async () => {
    const { storage } = await beginWith(['3', 'c', null, null]);
    const add = await lastAdd(storage);
    const path = add.path.replace('.parquet', '').replace(/.$/, (last) => (last === '0' ? '1' : '0'));
    await storage.put(`public/tended/${path}.parquet`, (await storage.get(`public/tended/${add.path}`))!);
    await tendedOn(storage).log.tryCommit(4, [{ add: { ...add, path: `${path}.parquet` } }, commitInfo('WRITE')]);
    assert.deepEqual(messages(await verified(storage)), ['rows: 1 places in the stream have more than one row']);
    await change(storage, 3, ({ txn, ...other }) => (txn ? { txn: { ...txn, version: 1n } } : other));
    assert.deepEqual(
      messages(await verified(storage))[0],
      'rows: 4 rows lie behind the position that the table says it has',
    );
  });

  test('a value that was not sent and is nowhere is found', async () => {
    const { sink, storage } = await begin();
    const workload = new Workload(table, new Random(1));
    await deliver(sink, [workload.transaction([update(table, ['1', 'a', UNCHANGED, '1.00'])])]);
    await sink.close();
    assert.deepEqual(messages(await verified(storage)), ['rows: 1 rows leave out values that no earlier row has']);
  });

  test('a number of a generation that the table was never copied under is no problem', async () => {
    const { storage } = await beginWith(['3', 'c', null, null]);
    await change(storage, 0, ({ metaData, ...other }) =>
      metaData
        ? { metaData: { ...metaData, configuration: { ...metaData.configuration, 'pgveil.generation': '0' } } }
        : other,
    );
    assert.deepEqual(messages(await verified(storage)), []);
  });
});
