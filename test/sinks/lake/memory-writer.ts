// A process that writes a lake of one kind and prints the most memory it had, in bytes: memory-writer.ts KIND FOLDER
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { LakeSink } from '../../../sinks/lake/sink.ts';
import { FolderStorage } from '../../../sinks/lake/storage/folder.ts';
import type { RedactedTable } from '../../../src/core/table.ts';
import { apply, signal } from '../../acceptance/sink-trial.ts';
import { copyOf, insert, positionAt, type Row, sketchTable, upTo, writeCopy } from '../../support/batches.ts';
import { SETTINGS } from './storages.ts';

const KINDS: Readonly<Record<string, (sink: LakeSink) => Promise<void>>> = {
  'many tables': async (sink) => {
    const tables = Array.from({ length: 400 }, (_, i) => tableOf(`table_${i}`, 20));
    for (const table of tables) await writeCopy(sink, copyOf(table, rowsOf(0, 20, 20)));
    await sink.flush(positionAt(0x100n));
    for (let flush = 1; flush <= 3; flush++) {
      const changes = tables.flatMap((table) => rowsOf(flush * 100, 5, 20).map((row) => insert(table, row)));
      await apply(sink, upTo(BigInt(0x100 + flush * 0x100), changes));
    }
  },
  'many rows': async (sink) => await fill(sink, tableOf('long', 10), rowsOf(0, 4_000, 10), 100),
  'wide rows': async (sink) => await fill(sink, tableOf('wide', 1_000), rowsOf(0, 100, 1_000), 30),
  'large values': async (sink) => {
    const table = sketchTable({
      relation: 'large',
      columns: { id: 'bigint', text: 'text', bytes: 'bytea' },
      key: ['id'],
    });
    const bytes = `\\x${'5f'.repeat(1_000_000)}`;
    await fill(sink, table, [['1', 'größe '.repeat(700_000), bytes]], 40);
  },
};

/** A copy of so many batches of the same rows, whose keys nobody looks at, and then as many of changes, flushed now and then. */
async function fill(sink: LakeSink, table: RedactedTable, rows: readonly Row[], batches: number): Promise<void> {
  const [started, reads, ...rest] = copyOf(table, rows);
  await writeCopy(sink, [started!]);
  for (let batch = 0; batch < batches; batch++) await sink.write(reads!);
  await writeCopy(sink, rest);
  await sink.flush(positionAt(0x100n));
  const changes = rows.map((row) => insert(table, row));
  for (let batch = 0; batch < batches; batch++) {
    const whole = upTo(BigInt(0x200 + batch * 0x100), changes);
    if (batch % 20 === 19) await apply(sink, whole);
    else await sink.write({ ...whole, position: null });
  }
}

function tableOf(relation: string, columns: number): RedactedTable {
  const types = Array.from({ length: columns }, (_, i) => [`column_${i}`, i % 3 === 0 ? 'integer' : 'text'] as const);
  return sketchTable({ relation, columns: { id: 'bigint', ...Object.fromEntries(types) }, key: ['id'] });
}

function rowsOf(first: number, count: number, columns: number): Row[] {
  return Array.from({ length: count }, (_, i) => {
    const cells = Array.from({ length: columns }, (_, c) =>
      c % 3 === 0 ? String(i) : `a text of row ${i}, column ${c}`,
    );
    return [String(first + i), ...cells];
  });
}

const [kind, folder] = process.argv.slice(2) as [string, string];
const sink = new LakeSink({
  pipeline: 'memory',
  storage: new FolderStorage(join(folder, 'lake')),
  temporary: join(folder, 'temporary'),
  ...SETTINGS,
});
await sink.open(signal);
await KINDS[kind]!(sink);
await sink.close();
const status = await readFile('/proc/self/status', 'utf8');
process.stdout.write(String(Number(/VmHWM:\s+(\d+) kB/.exec(status)![1]) * 1024));
