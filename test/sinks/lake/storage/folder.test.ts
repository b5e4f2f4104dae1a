import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { FolderStorage } from '../../../../sinks/lake/storage/folder.ts';

let root: string;
before(async () => {
  root = await mkdtemp(join(tmpdir(), 'pgveil-lake-'));
});
after(() => rm(root, { recursive: true, force: true }));

test('what was cut off is in no listing, and a sweep removes it', async () => {
  const storage = new FolderStorage(join(root, 'cut'));
  await storage.put('t/a', Buffer.from('a'));
  await writeFile(join(root, 'cut', '_unfinished', 'half'), 'half');
  assert.deepEqual(await names(storage), ['t/a']);
  await storage.sweep();
  assert.deepEqual(await readdir(join(root, 'cut')), ['t']);
  await storage.put('t/b', Buffer.from('b'));
  assert.deepEqual(await names(storage), ['t/a', 't/b']);
});

test('a sweep for those who are not alone leaves what was begun lately', async () => {
  const storage = new FolderStorage(join(root, 'lately'));
  await storage.put('t/a', Buffer.from('a'));
  await writeFile(join(root, 'lately', '_unfinished', 'half'), 'half');
  assert.equal(await storage.sweep(Date.now() - 3_600_000), 0);
  assert.deepEqual(await readdir(join(root, 'lately', '_unfinished')), ['half']);
  assert.equal(await storage.sweep(Date.now() + 3_600_000), 1);
  assert.deepEqual(await readdir(join(root, 'lately', '_unfinished')), []);
});

test('an object that is swapped again and again stays one file', async () => {
  const storage = new FolderStorage(join(root, 'swapped'));
  let etag: string | null = null;
  for (let i = 0; i < 12; i++) etag = await storage.swap('state', Buffer.from(`${i}`), etag);
  assert.deepEqual(await readdir(join(root, 'swapped', 'state')), [etag]);
});

test('a path that cannot be used is said by its code alone', async () => {
  await writeFile(join(root, 'file'), '');
  const storage = new FolderStorage(join(root, 'file'));
  await assert.rejects(storage.put('a', Buffer.from('secret')), (error: Error & { code?: string }) => {
    assert.equal(error.code, 'lake_failed');
    assert.equal(error.message, 'ENOTDIR');
    return true;
  });
});

async function names(storage: FolderStorage): Promise<string[]> {
  const found = [];
  for await (const { name } of storage.list('')) found.push(name);
  return found;
}
