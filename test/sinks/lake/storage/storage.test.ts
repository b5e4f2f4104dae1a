import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { Storage, Stored } from '../../../../sinks/lake/storage/storage.ts';
import { onEveryStorage } from '../storages.ts';

const bytes = (text: string) => Buffer.from(text);

async function listed(storage: Storage, prefix: string, behind?: string): Promise<Omit<Stored, 'modified'>[]> {
  const found = [];
  for await (const { modified, ...one } of storage.list(prefix, behind)) {
    assert.ok(Math.abs(Date.now() - modified) < 3_600_000);
    found.push(one);
  }
  return found;
}

onEveryStorage((makePlace) => {
  let directory: string;
  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'pgveil-upload-'));
  });
  after(() => rm(directory, { recursive: true, force: true }));

  test('what is not there is null, and deleting it is no error', async () => {
    const { storage } = makePlace();
    assert.equal(await storage.get('a/b.json'), null);
    assert.equal(await storage.load('c'), null);
    await storage.delete('a/b.json');
  });

  test('what was put is there for another instance, in whole and in ranges, until it is deleted', async () => {
    const { storage, again } = makePlace();
    await storage.put('a/é %20 b.json', bytes('0123456789'));
    await storage.put('a/é %20 b.json', bytes('abcdefghij'));
    assert.equal(String(await again().get('a/é %20 b.json')), 'abcdefghij');
    assert.equal(String(await again().read('a/é %20 b.json', 2, 5)), 'cde');
    await again().delete('a/é %20 b.json');
    assert.equal(await storage.get('a/é %20 b.json'), null);
  });

  test('of twenty that put at once what must be absent one wins, and the content is its own', async () => {
    const { storage, again } = makePlace();
    const wins = await Promise.all(
      Array.from({ length: 20 }, (_, i) => again().putIfAbsent('log/1.json', bytes(`writer ${i}`))),
    );
    assert.equal(wins.filter(Boolean).length, 1);
    assert.equal(String(await storage.get('log/1.json')), `writer ${wins.indexOf(true)}`);
    assert.equal(await storage.putIfAbsent('log/1.json', bytes('late')), false);
  });

  test('a writer whose answer was lost is told that it was the one', async () => {
    const { storage } = makePlace();
    assert.equal(await storage.putIfAbsent('log/1.json', bytes('mine')), true);
    assert.equal(await storage.putIfAbsent('log/1.json', bytes('mine')), true);
  });

  test('a swap succeeds for whoever knows the present content, and for nobody else', async () => {
    const { storage, again } = makePlace();
    const first = await storage.swap('state', bytes('1'), null);
    assert.equal(await again().swap('state', bytes('other'), null), null);
    const second = await storage.swap('state', bytes('2'), first);
    assert.equal(await again().swap('state', bytes('other'), first), null);
    for (let i = 3; i < 12; i++) {
      const { etag } = (await again().load('state'))!;
      assert.ok(await again().swap('state', bytes(`${i}`), etag));
    }
    assert.equal(await storage.swap('state', bytes('other'), second), null);
    assert.equal(String((await storage.load('state'))!.bytes), '11');
  });

  test('of twenty that swap at once one wins', async () => {
    const { storage, again } = makePlace();
    const etag = await storage.swap('state', bytes('first'), null);
    const swapped = await Promise.all(
      Array.from({ length: 20 }, (_, i) => again().swap('state', bytes(`writer ${i}`), etag)),
    );
    const winners = swapped.flatMap((tag, i) => (tag === null ? [] : [`writer ${i}`]));
    assert.deepEqual(winners, [String((await storage.load('state'))!.bytes)]);
  });

  test('a listing has all below its prefix and behind a name, by the order of bytes, over more than one page', async () => {
    const { storage } = makePlace();
    const names = Array.from({ length: 1_050 }, (_, i) => `t/_log/${String(i).padStart(20, '0')}.json`);
    for (let from = 0; from < names.length; from += 50) {
      await Promise.all(names.slice(from, from + 50).map((name) => storage.put(name, bytes('1234'))));
    }
    await Promise.all(['t/a', 't/B', 't/_logs', 'u/a'].map((name) => storage.put(name, bytes('x'))));
    assert.deepEqual(
      (await listed(storage, 't/')).map(({ name }) => name),
      ['t/B', ...names, 't/_logs', 't/a'],
    );
    assert.deepEqual(await listed(storage, 't/_log/', names[1_047]), [
      { name: names[1_048], size: 4 },
      { name: names[1_049], size: 4 },
    ]);
    assert.deepEqual(await listed(storage, 'nothing/'), []);
  });

  test('files of any size come as they are', async () => {
    const { storage } = makePlace();
    for (const size of [0, 1, 8 * 1024 * 1024, 20 * 1024 * 1024 + 17]) {
      const [file, content] = [join(directory, 'file'), randomBytes(size)];
      await writeFile(file, content);
      await storage.upload(`t/${size}.parquet`, file);
      const stored = await storage.get(`t/${size}.parquet`);
      assert.ok(stored?.equals(content), `${size} bytes`);
    }
    assert.deepEqual(await listed(storage, 't/1.'), [{ name: 't/1.parquet', size: 1 }]);
  });
});
