import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { Search } from '../../demo/search.ts';

function foundIn(bytes: Buffer | string, texts: string[]): string[] {
  const search = new Search(texts);
  search.bytes(Buffer.from(bytes as string));
  return [...search.found].sort();
}

test('a text is found wherever it stands, at the very beginning and end, too', () => {
  for (const bytes of ['secret1', 'secret1..', '..secret1', '\0secret1\0']) {
    assert.deepEqual(foundIn(bytes, ['secret1']), ['secret1']);
  }
});

test('texts with the same beginning, of the same length or another, are told apart', () => {
  const texts = ['+49 1555 1', '+49 1555 2', '+49 1555 22', '+49 1555 23'];
  assert.deepEqual(foundIn('a +49 1555 22 b', texts), ['+49 1555 2', '+49 1555 22']);
});

test('texts beyond ASCII are found by their bytes', () => {
  assert.deepEqual(foundIn('Straße 7, Größe', ['Größe!', 'Straße']), ['Straße']);
});

test('what stands only in part is not found', () => {
  assert.deepEqual(foundIn('secre secret_1 ecret1 secret', ['secret1']), []);
});

test('files deep below a directory are searched', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'search-'));
  await mkdir(join(directory, 'base/5'), { recursive: true });
  await writeFile(join(directory, 'base/5/1259'), 'its name is Aldwenna Amberwold.');
  const search = new Search(['Aldwenna Amberwold', 'Aldwenna Amberrigg']);
  await search.directory(directory);
  await rm(directory, { recursive: true });
  assert.deepEqual([...search.found], ['Aldwenna Amberwold']);
});

test('a text that chance could bring about is refused', () => {
  assert.throws(() => new Search(['short']), /too short/);
});
