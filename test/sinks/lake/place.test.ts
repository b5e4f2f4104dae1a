// What `check` finds where a lake is to lie, and what `drop` leaves there.
import assert from 'node:assert/strict';
import { chmod, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { checkLake } from '../../../sinks/lake/check.ts';
import { storedCheckpoint } from '../../../sinks/lake/claim.ts';
import { dropLake, findTables } from '../../../sinks/lake/drop.ts';
import { LakeSink } from '../../../sinks/lake/sink.ts';
import { FolderStorage } from '../../../sinks/lake/storage/folder.ts';
import type { Storage } from '../../../sinks/lake/storage/storage.ts';
import { signal } from '../../acceptance/sink-trial.ts';
import { copyOf, insert, positionAt, sketchTable, upTo, writeCopy } from '../../support/batches.ts';
import { onEveryStorage, SETTINGS } from './storages.ts';

const table = sketchTable({ schema: 'my shop', relation: 't', columns: { id: 'bigint' }, key: ['id'] });

let directory: string;
before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'pgveil-place-'));
});
after(() => rm(directory, { recursive: true, force: true }));

async function namesIn(storage: Storage): Promise<string[]> {
  const names: string[] = [];
  for await (const { name } of storage.list('')) names.push(name);
  return names;
}

/** A lake with one table and a row, and the sink that is still open. */
async function fill(storage: Storage): Promise<LakeSink> {
  const sink = new LakeSink({ pipeline: 'shop', storage, temporary: join(directory, 'files'), ...SETTINGS });
  await sink.open(signal);
  await writeCopy(sink, copyOf(table, [['1']]));
  await sink.flush(positionAt(0x100n));
  await sink.write(upTo(0x200n, [insert(table, ['2'])]));
  await sink.flush(positionAt(0x200n));
  return sink;
}

onEveryStorage((makePlace) => {
  const codes = async (storage: Storage) => (await checkLake(storage, 'lake')).map(({ code }) => code);

  test('an empty place is fine, and so is a lake of ours; a look at it leaves nothing behind', async () => {
    const { storage, again } = makePlace();
    assert.deepEqual(await codes(storage), []);
    assert.deepEqual(await namesIn(storage), []);
    const sink = await fill(storage);
    const before = await namesIn(storage);
    assert.deepEqual(await codes(again()), []);
    assert.deepEqual(await namesIn(storage), before);
    await sink.flush(positionAt(0x300n)); // nobody took it over
    await sink.close();
  });

  test('what something else lives in is not taken for ours', async () => {
    const { storage } = makePlace();
    await storage.put('data/somebody.csv', Buffer.from('1'));
    assert.deepEqual(await codes(storage), ['target_exists']);
    assert.equal(await findTables(storage, 'shop'), null);
  });

  test('a checkpoint of a newer pgveil is a finding', async () => {
    const { storage } = makePlace();
    await storage.swap('_pgveil/checkpoint', Buffer.from('{"format":999,"tables":{}}'), null);
    assert.deepEqual(await codes(storage), ['newer_checkpoint']);
  });

  test('a drop takes what pgveil made, fences who still writes, and leaves what somebody put there', async () => {
    const { storage, again } = makePlace();
    const sink = await fill(storage);
    await storage.put('my shop/t/readme.txt', Buffer.from('mine'));
    await storage.put('my shop/t/2026-01-01/notes.csv', Buffer.from('mine'));
    const tables = await findTables(again(), 'shop');
    assert.deepEqual(tables, ['my shop/t']);
    assert.deepEqual(await findTables(again(), 'another'), []);
    await dropLake(again(), tables!);
    assert.deepEqual(await namesIn(storage), ['my shop/t/2026-01-01/notes.csv', 'my shop/t/readme.txt']);
    assert.equal(await storedCheckpoint(storage), null);
    await assert.rejects(sink.flush(positionAt(0x300n)), { code: 'fenced' });
    await sink.close();
  });
});

test('a folder that is not there yet is not made by a look at it, and of one that is dropped nothing stays', async () => {
  const root = join(directory, 'deep', 'lake');
  const storage = new FolderStorage(root);
  assert.deepEqual(await checkLake(storage, 'lake'), []);
  assert.deepEqual((await readdir(directory)).includes('deep'), false);
  await (await fill(storage)).close();
  await dropLake(storage, (await findTables(storage, 'shop'))!);
  assert.deepEqual(await readdir(join(directory, 'deep')), []);
});

test('a file in the place of the folder, and a folder that nobody may write to, are findings', async () => {
  const file = join(directory, 'file');
  await writeFile(file, '');
  const [unfit] = await checkLake(new FolderStorage(join(file, 'lake')), 'lake');
  assert.deepEqual([unfit?.code, unfit?.object], ['lake_unfit', 'sinks.lake.url']);
  const closed = join(directory, 'closed');
  await mkdir(closed);
  await chmod(closed, 0o555);
  await chmod(directory, 0o755);
  const [refused] = await asNobody(() => checkLake(new FolderStorage(join(closed, 'lake')), 'lake'));
  assert.equal(refused?.code, 'lake_rights');
});

/** Root may write everywhere, so it is somebody else meanwhile. */
async function asNobody<T>(work: () => Promise<T>): Promise<T> {
  if (process.getuid?.() !== 0) return await work();
  process.seteuid!(65534);
  try {
    return await work();
  } finally {
    process.seteuid!(0);
  }
}
