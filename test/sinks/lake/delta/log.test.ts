import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { DeltaLog } from '../../../../sinks/lake/delta/log.ts';
import type { Snapshot } from '../../../../sinks/lake/delta/snapshot.ts';
import type { Duck } from '../../../../sinks/lake/parquet/duck.ts';
import { addOf, beginning, openDuck, removeOf, txnOf } from '../delta.ts';
import { onEveryStorage } from '../storages.ts';

const commitName = (version: number) => `public/t/_delta_log/${String(version).padStart(20, '0')}.json`;

function contentOf({ version, protocol, metaData, txns, files, tombstones }: Snapshot) {
  const shown = [...files.values()].map((add) => ({ ...add, dataChange: false }));
  return { version, protocol, metaData, txns, files: shown, tombstones: [...tombstones.keys()] };
}

onEveryStorage((makePlace) => {
  let duck: Duck;
  before(async () => {
    duck = await openDuck();
  });
  after(() => duck.close());

  async function makeLog() {
    const { storage, again } = makePlace();
    return {
      storage,
      log: new DeltaLog(storage, duck, 'public/t'),
      again: () => new DeltaLog(again(), duck, 'public/t'),
    };
  }

  test('a table that is not there has version -1', async () => {
    const { log } = await makeLog();
    assert.equal((await log.read()).version, -1);
    assert.equal(await log.readCommit(0), null);
  });

  test('commits amount to what is there: files, and how far each writer has come, to the last bit', async () => {
    const { log, again } = await makeLog();
    await log.tryCommit(0, [...beginning(), addOf('a'), txnOf(2n ** 63n - 1n), txnOf(5n, 'other')]);
    await log.tryCommit(1, [removeOf('a'), addOf('b'), addOf('c', { stats: '{"maxValues":{"x":9007199254740993}}' })]);
    const snapshot = await again().read();
    assert.equal(snapshot.version, 1);
    assert.deepEqual([...snapshot.files.keys()], ['b', 'c']);
    assert.deepEqual([...snapshot.tombstones.keys()], ['a']);
    assert.deepEqual(
      [...snapshot.txns],
      [
        ['pgveil', 2n ** 63n - 1n],
        ['other', 5n],
      ],
    );
    assert.deepEqual(snapshot.metaData, beginning()[1]!.metaData);
  });

  test('its head is all but its files, behind a checkpoint as well', async () => {
    const { log, again } = await makeLog();
    await log.tryCommit(0, [...beginning(), addOf('a'), txnOf(7n)]);
    await log.writeCheckpoint(Date.now());
    await log.tryCommit(1, [removeOf('a'), addOf('b'), txnOf(8n)]);
    const [head, { version, protocol, metaData, txns }] = [await again().head(), await log.read()];
    const nothing = { files: new Map(), tombstones: new Map() };
    assert.deepEqual({ ...head }, { version, protocol, metaData, txns, ...nothing });
  });

  test('more files than fit into memory are summed up, again and again', async () => {
    const { log } = await makeLog();
    const stats = JSON.stringify({ maxValues: { column: 'x'.repeat(1000) } });
    const files = (version: number, count: number) =>
      Array.from({ length: count }, (_, at) => addOf(`${version}-${at}`, { stats: `${stats}${version}${at}` }));
    await log.tryCommit(0, beginning());
    for (let version = 1; version <= 10; version++) await log.tryCommit(version, files(version, 5_000));
    await log.writeCheckpoint(Date.now());
    await log.tryCommit(11, [removeOf('1-0'), ...files(11, 1)]);
    await log.writeCheckpoint(Date.now());
    assert.equal((await log.readCheckpoint(11, 'head'))!.version, 11);
    assert.equal((await log.read()).files.size, 50_000);
  });

  test('of two that make the same version one is told that it was too late', async () => {
    const { log, again } = await makeLog();
    await log.tryCommit(0, beginning());
    const made = await Promise.all([log.tryCommit(1, [addOf('a')]), again().tryCommit(1, [addOf('b')])]);
    assert.deepEqual(made.toSorted(), [false, true]);
    assert.equal((await log.read()).files.size, 1);
  });

  test('a checkpoint says what the commits before it do, which nobody has to read any more', async () => {
    const { storage, log, again } = await makeLog();
    await log.tryCommit(0, [...beginning(), txnOf(2n ** 63n - 1n)]);
    await log.tryCommit(1, [addOf('a'), addOf('b', { tags: { generation: '1' } })]);
    await log.tryCommit(2, [removeOf('a')]);
    const before = contentOf(await log.read());
    await log.writeCheckpoint(Date.now());
    for (const version of [0, 1, 2]) await storage.delete(commitName(version));
    assert.deepEqual(contentOf(await again().read()), before);
    await log.tryCommit(3, [addOf('c')]);
    assert.deepEqual([...(await again().read()).files.keys()], ['b', 'c']);
  });

  test('a checkpoint forgets files that were removed a week ago', async () => {
    const { log, again } = await makeLog();
    await log.tryCommit(0, [...beginning(), addOf('a'), removeOf('a')]);
    await log.writeCheckpoint(Date.now() + 8 * 24 * 3600 * 1000);
    assert.equal((await again().read()).tombstones.size, 0);
  });

  test('a log with a gap is damaged, and nothing is made of the rest', async () => {
    const { storage, log } = await makeLog();
    for (const version of [0, 1, 2]) await log.tryCommit(version, version === 0 ? beginning() : [addOf(`${version}`)]);
    await storage.delete(commitName(1));
    await assert.rejects(log.read(), { code: 'lake_failed', message: /lacks version 1/ });
  });

  test('a table with a feature that somebody switched on is not written', async () => {
    const { log } = await makeLog();
    const protocol = { minReaderVersion: 3, minWriterVersion: 7, readerFeatures: ['timestampNtz', 'deletionVectors'] };
    await log.tryCommit(0, [...beginning(), { protocol }]);
    await assert.rejects(log.read(), {
      code: 'lake_failed',
      message: /deletionVectors/,
      fix: /DROP FEATURE .*--recopy/,
    });
  });
});
