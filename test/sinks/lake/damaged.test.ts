// What becomes of a lake whose checkpoint cannot be read.
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { checkLake } from '../../../sinks/lake/check.ts';
import { storedCheckpoint } from '../../../sinks/lake/claim.ts';
import { findTables } from '../../../sinks/lake/drop.ts';
import { LakeSink } from '../../../sinks/lake/sink.ts';
import { FolderStorage } from '../../../sinks/lake/storage/folder.ts';
import type { PgveilError } from '../../../src/core/errors.ts';
import type { Sink } from '../../../src/core/sink.ts';
import { openAll } from '../../../src/pipeline/apart/open-all.ts';
import { signal } from '../../acceptance/sink-trial.ts';
import { MemorySink } from '../../src/pipeline/parts.ts';
import { copyOf, positionAt, sketchTable, writeCopy } from '../../support/batches.ts';
import { SETTINGS } from './storages.ts';

const table = sketchTable({ relation: 'secret', columns: { id: 'bigint' }, key: ['id'] });
const CHECKPOINT = '_pgveil/checkpoint';

let root: string;
before(async () => {
  root = await mkdtemp(join(tmpdir(), 'pgveil-damaged-'));
});
after(() => rm(root, { recursive: true, force: true }));

function sinkOf(storage: FolderStorage): LakeSink {
  return new LakeSink({ pipeline: 'shop', storage, temporary: join(root, 'files'), ...SETTINGS });
}

/** A lake with one table, which nobody has open. */
async function filled(name: string): Promise<{ folder: string; storage: FolderStorage; entries: string }> {
  const folder = join(root, name);
  const storage = new FolderStorage(folder);
  const sink = sinkOf(storage);
  await sink.open(signal);
  await writeCopy(sink, copyOf(table, [['1']]));
  await sink.flush(positionAt(0x100n));
  await sink.close();
  const stored = JSON.parse((await storage.load(CHECKPOINT))!.bytes.toString());
  return { folder, storage, entries: stored.entries.at(-1) };
}

async function replace(storage: FolderStorage, change: (stored: Record<string, unknown>) => unknown): Promise<void> {
  const { bytes, etag } = (await storage.load(CHECKPOINT))!;
  await storage.swap(CHECKPOINT, Buffer.from(JSON.stringify(change(JSON.parse(bytes.toString())))), etag);
}

const DAMAGES: Record<string, (storage: FolderStorage, entries: string) => Promise<unknown>> = {
  'a checkpoint that was cut off': async (storage) => {
    const { bytes, etag } = (await storage.load(CHECKPOINT))!;
    await storage.swap(CHECKPOINT, bytes.subarray(0, 30), etag);
  },
  'one without a format': (storage) => replace(storage, ({ format, ...others }) => others),
  'one whose position is none': (storage) =>
    replace(storage, (stored) => ({ ...stored, position: { ...(stored.position as object), pos: 'secret' } })),
  'one that is null': (storage) => replace(storage, () => null),
  'entries that are empty': (storage, entries) => storage.put(entries, Buffer.alloc(0)),
  'an entry without a binding': (storage, entries) =>
    storage.put(entries, Buffer.from(JSON.stringify({ 'public.secret': { oid: 1 } }))),
  'entries that are gone': (storage, entries) => storage.delete(entries),
};

for (const [what, damage] of Object.entries(DAMAGES)) {
  test(`${what}: all who read it say which object, and that a person has to act; emptied, the lake begins anew`, async () => {
    const { folder, storage, entries } = await filled(what.replaceAll(' ', '_'));
    await damage(storage, entries);
    const isDamaged = (error: PgveilError) => {
      assert.equal(error.code, 'checkpoint_damaged');
      const place = what.includes('entr') && !what.includes('gone') ? entries : CHECKPOINT;
      assert.ok(error.message.includes(place), error.message);
      assert.doesNotMatch(error.message, /secret/);
      return true;
    };
    await assert.rejects(storedCheckpoint(storage), isDamaged);
    await assert.rejects(findTables(storage, 'shop'), isDamaged);
    await assert.rejects(sinkOf(storage).open(signal), isDamaged);
    const [finding] = await checkLake(storage, 'lake');
    assert.deepEqual([finding?.code, finding?.object], ['checkpoint_damaged', 'sinks.lake.url']);
    assert.match(finding!.fix, /remove all that this pipeline has in the lake/);

    await rm(folder, { recursive: true });
    assert.deepEqual(await checkLake(storage, 'lake'), []);
    const again = sinkOf(storage);
    assert.deepEqual(await again.open(signal), { position: null, tables: new Map() });
    await again.close();
  });
}

test('it is the trouble of that sink alone: the others are open', async () => {
  const { storage, entries } = await filled('of_three');
  await storage.put(entries, Buffer.from('{'));
  const sinks = new Map<string, Sink>([
    ['twin', new MemorySink()],
    ['lake', sinkOf(storage)],
    ['topics', new MemorySink()],
  ]);
  const { opened, away } = await openAll(sinks, true, signal);
  assert.deepEqual([...opened.keys()], ['twin', 'topics']);
  const { code, sink, message } = away.get('lake')!;
  assert.deepEqual([code, sink], ['checkpoint_damaged', 'lake']);
  assert.match(message, /^sink lake: the lake's object _pgveil\/entries\//);
});
