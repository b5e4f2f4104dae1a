// A process that writes a lake, or looks after it, and prints the most memory it had, in bytes: memory-carer.ts STEP FOLDER
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Caretaker } from '../../../../sinks/lake/care/caretaker.ts';
import { LakeComparer } from '../../../../sinks/lake/care/comparer.ts';
import { LakeSink } from '../../../../sinks/lake/sink.ts';
import { FolderStorage } from '../../../../sinks/lake/storage/folder.ts';
import { DIGEST_BYTES } from '../../../../src/core/digest.ts';
import { apply, signal } from '../../../acceptance/sink-trial.ts';
import {
  copyOf,
  insert,
  positionAt,
  type Row,
  sketchTable,
  tuple,
  UNCHANGED,
  update,
  upTo,
  writeCopy,
} from '../../../support/batches.ts';
import { SETTINGS } from '../storages.ts';

const [step, folder] = process.argv.slice(2) as [string, string];
const storage = new FolderStorage(join(folder, 'lake'));
const caretaker = new Caretaker({ storage, url: 'file:///lake', temporary: join(folder, 'temporary') });
const silent = () => {};
const ROWS = 30_000;

const STEPS: Readonly<Record<string, () => Promise<unknown>>> = {
  write,
  verify: () => caretaker.verify([], silent),
  compact: () => caretaker.compact([], false, silent),
  'compact --latest': () => caretaker.compact([], true, silent),
  compare,
};

const table = sketchTable({ relation: 'large', columns: { id: 'bigint', name: 'text', note: 'text' }, key: ['id'] });

/** What the lake holds, and what it should hold for as many rows. */
async function compare(): Promise<void> {
  const options = { name: 'lake', storage, timestamps: SETTINGS.timestamps, flush: { everyMs: 0 } };
  const comparer = new LakeComparer({ ...options, temporary: join(folder, 'temporary') });
  const comparison = comparer.of(table);
  const holding = await comparison.look();
  let bytes = 0;
  for await (const digests of holding.rows()) bytes += digests.length;
  assert.equal(bytes, ROWS * DIGEST_BYTES);
  const note = randomBytes(500).toString('hex');
  for (let first = 0; first < ROWS; first += 2_000) {
    await comparison.expect(Array.from({ length: 2_000 }, (_, i) => tuple([`${first + i}`, `row ${first + i}`, note])));
  }
  await holding.close();
  await comparer.close();
}

/** Rows whose large values, which nothing compresses, are not sent again when they change: a compaction to the latest state fills in each. */
async function write(): Promise<void> {
  const sink = new LakeSink({ pipeline: 'memory', storage, temporary: join(folder, 'temporary'), ...SETTINGS });
  await sink.open(signal);
  await writeCopy(sink, copyOf(table, []));
  await sink.flush(positionAt(0x100n));
  let position = 0x200n;
  const writeAll = async (change: (row: Row) => ReturnType<typeof insert>, note: () => Row[number]) => {
    for (let first = 0; first < ROWS; first += 2_000) {
      const changes = Array.from({ length: 2_000 }, (_, i) => change([`${first + i}`, `row ${first + i}`, note()]));
      position += 0x10n;
      await apply(sink, upTo(position, changes));
    }
  };
  await writeAll(
    (row) => insert(table, row),
    () => randomBytes(500).toString('hex'),
  );
  await writeAll(
    (row) => update(table, row),
    () => UNCHANGED,
  );
  await sink.close();
}

await STEPS[step]!();
const status = await readFile('/proc/self/status', 'utf8');
process.stdout.write(String(Number(/VmHWM:\s+(\d+) kB/.exec(status)![1]) * 1024));
