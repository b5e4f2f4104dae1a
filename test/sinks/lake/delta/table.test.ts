import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Action } from '../../../../sinks/lake/delta/action.ts';
import { DeltaLog } from '../../../../sinks/lake/delta/log.ts';
import { DeltaTable } from '../../../../sinks/lake/delta/table.ts';
import type { Duck } from '../../../../sinks/lake/parquet/duck.ts';
import { addOf, beginning, openDuck, removeOf, txnOf } from '../delta.ts';
import { onEveryStorage } from '../storages.ts';

onEveryStorage((makePlace) => {
  let duck: Duck;
  before(async () => {
    duck = await openDuck();
  });
  after(() => duck.close());

  /** A table with the file `a`, its writer, and the log as others see it. */
  async function begin() {
    const { storage, again } = makePlace();
    const log = new DeltaLog(again(), duck, 'public/t');
    const open = () => DeltaTable.open(new DeltaLog(storage, duck, 'public/t'), 'pgveil');
    const table = await open();
    await table.commit(() => [...beginning(), addOf('a'), txnOf(1n)]);
    return { table, open, log, storage };
  }

  const compaction: Action[] = [removeOf('a', false), addOf('compacted', { dataChange: false })];

  test('knows its own position, and another writer’s is none of its business', async () => {
    const { table, open } = await begin();
    await table.commit(() => [addOf('b'), txnOf(9n, 'other')]);
    assert.equal(table.position, 1n);
    assert.equal((await open()).position, 1n);
    assert.equal((await open()).metaData?.name, 'public.t');
  });

  test('a commit goes behind a compaction that came between', async () => {
    const { table, log } = await begin();
    await log.tryCommit(1, compaction);
    await table.commit(() => [addOf('b'), txnOf(2n)]);
    const snapshot = await log.read();
    assert.deepEqual([snapshot.version, [...snapshot.files.keys()]], [2, ['compacted', 'b']]);
  });

  test('what replaces all files replaces those of a compaction that came between', async () => {
    const { table, log } = await begin();
    let attempts = 0;
    await table.commit(async () => {
      const old = await table.files();
      if (attempts++ === 0) await log.tryCommit(1, compaction);
      return [...old.map(({ path }) => removeOf(path)), addOf('new'), txnOf(2n)];
    });
    assert.equal(attempts, 2);
    assert.deepEqual([...(await log.read()).files.keys()], ['new']);
  });

  const strangers: Record<string, Action[]> = {
    'another instance of this pipeline': [addOf('theirs'), txnOf(2n)],
    'somebody who appends rows': [addOf('theirs')],
    'somebody who deletes rows': [removeOf('a')],
    'somebody who changes the schema': beginning(),
  };
  for (const [who, actions] of Object.entries(strangers)) {
    test(`nothing is committed behind ${who}`, async () => {
      const { table, open, log } = await begin();
      await log.tryCommit(1, actions);
      await assert.rejects(
        table.commit(() => [addOf('b'), txnOf(3n)]),
        { code: 'fenced' },
      );
      await assert.rejects(table.files(), { code: 'fenced' });
      assert.equal((await log.read()).version, 1);
      const again = await open();
      await again.commit(() => [addOf('b'), txnOf(3n)]);
      assert.equal((await log.read()).version, 2);
    });
  }

  test('every hundredth commit leaves a checkpoint behind', async () => {
    const { table, storage } = await begin();
    for (let i = 1; i <= 100; i++) await table.commit(() => [addOf(`${i}`)]);
    const last = await storage.get('public/t/_delta_log/_last_checkpoint');
    assert.deepEqual(JSON.parse(String(last)), { version: 100, size: 104, numOfAddFiles: 101 });
  });
});
