import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { LakeSink } from '../../../sinks/lake/sink.ts';
import { FolderStorage } from '../../../sinks/lake/storage/folder.ts';
import { signal } from '../../acceptance/sink-trial.ts';
import { copyStarted, nextGeneration, type Row, reads, sketchTable } from '../../support/batches.ts';
import { until } from '../../support/wait.ts';
import { SETTINGS } from './storages.ts';

const table = sketchTable({ relation: 't', columns: { id: 'bigint', name: 'text' }, key: ['id'] });
const LARGE = 'x'.repeat(1_000_000);

let folder: string;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pgveil-close-'));
});
after(() => rm(folder, { recursive: true }));

/** A storage that does not answer an upload until whoever asked gives it up. */
class SilentStorage extends FolderStorage {
  begun = 0;
  ended = 0;

  override async upload(_name: string, _file: string, signal?: AbortSignal): Promise<void> {
    this.begun++;
    if (!signal?.aborted) await once(signal!, 'abort');
    this.ended++;
    throw signal!.reason;
  }
}

test('what is on its way when the sink is closed comes to nothing, and nobody waits for the storage', async () => {
  const temporary = join(folder, 'temporary');
  const storage = new SilentStorage(join(folder, 'lake'));
  const sink = new LakeSink({ pipeline: 'close', storage, temporary, ...SETTINGS });
  await sink.open(signal);
  const next = nextGeneration(table);
  await sink.write(copyStarted(next));
  for (let i = 0; i < 30; i += 10) {
    const rows = Array.from({ length: 10 }, (_, row): Row => [String(i + row), LARGE]);
    await sink.write(reads(next, 1, rows));
  }
  await until(() => storage.begun > 0, { what: 'a file on its way to the storage' });
  await sink.close();
  assert.equal(storage.ended, storage.begun);
  assert.deepEqual(await readdir(temporary), []);
});
