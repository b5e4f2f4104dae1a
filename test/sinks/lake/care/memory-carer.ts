// A process that writes a lake, or looks after it, and prints the most memory it had, in bytes: memory-carer.ts STEP FOLDER
import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Caretaker } from '../../../../sinks/lake/care/caretaker.ts';
import { LakeSink } from '../../../../sinks/lake/sink.ts';
import { FolderStorage } from '../../../../sinks/lake/storage/folder.ts';
import { apply, signal } from '../../../acceptance/sink-trial.ts';
import {
  copyOf,
  insert,
  positionAt,
  type Row,
  sketchTable,
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

const STEPS: Readonly<Record<string, () => Promise<unknown>>> = {
  write,
  verify: () => caretaker.verify([], silent),
  compact: () => caretaker.compact([], false, silent),
  'compact --latest': () => caretaker.compact([], true, silent),
};

/** Rows whose large values, which nothing compresses, are not sent again when they change: a compaction to the latest state fills in each. */
async function write(): Promise<void> {
  const table = sketchTable({ relation: 'large', columns: { id: 'bigint', name: 'text', note: 'text' }, key: ['id'] });
  const sink = new LakeSink({ pipeline: 'memory', storage, temporary: join(folder, 'temporary'), ...SETTINGS });
  await sink.open(signal);
  await writeCopy(sink, copyOf(table, []));
  await sink.flush(positionAt(0x100n));
  let position = 0x200n;
  const writeAll = async (change: (row: Row) => ReturnType<typeof insert>, note: () => Row[number]) => {
    for (let first = 0; first < 30_000; first += 2_000) {
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
