// What the tests of a lake's care stand on.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before } from 'node:test';
import { Tended } from '../../../../sinks/lake/care/tended.ts';
import type { Duck } from '../../../../sinks/lake/parquet/duck.ts';
import { LakeSink } from '../../../../sinks/lake/sink.ts';
import type { Storage } from '../../../../sinks/lake/storage/storage.ts';
import type { RedactedTable } from '../../../../src/core/table.ts';
import { signal } from '../../../acceptance/sink-trial.ts';
import { copyOf, positionAt, sketchTable, writeCopy } from '../../../support/batches.ts';
import { openDuck } from '../delta.ts';
import { fold, lakeRows } from '../fold.ts';
import { type MakePlace, SETTINGS } from '../storages.ts';
import { sorted } from './workload.ts';

export const table = sketchTable({
  relation: 'tended',
  columns: { id: 'bigint', name: 'text', note: 'text', amount: 'numeric(10,2)' },
  key: ['id'],
});

/** To be called where tests are declared: opens what they need before them. */
export function prepareBench(makePlace: MakePlace) {
  let duck: Duck;
  let directory: string;
  let sinks = 0;
  before(async () => {
    duck = await openDuck();
    directory = await mkdtemp(join(tmpdir(), 'pgveil-temporary-'));
  });
  after(async () => {
    await duck.close();
    await rm(directory, { recursive: true, force: true });
  });

  const sinkOn = (storage: Storage) =>
    new LakeSink({ pipeline: 'tended', storage, temporary: join(directory, String(++sinks)), ...SETTINGS });
  const tendedOn = (storage: Storage) => new Tended({ storage, duck, progress: () => {} }, table.name);
  const rowsOf = (storage: Storage, source: RedactedTable = table) => lakeRows(storage, duck, source);
  const latestOf = async (storage: Storage) => sorted(fold(table, await rowsOf(storage)));

  /** An open sink whose table was copied, empty, and is durable at 0x100. */
  async function begin(source: RedactedTable = table) {
    const place = makePlace();
    const sink = sinkOn(place.again());
    await sink.open(signal);
    await writeCopy(sink, copyOf(source, []));
    await sink.flush(positionAt(0x100n));
    return { ...place, sink };
  }

  return { begin, sinkOn, tendedOn, rowsOf, latestOf, duck: () => duck };
}

export async function namesOf(storage: Storage, prefix: string): Promise<string[]> {
  const names = [];
  for await (const { name } of storage.list(prefix)) names.push(name);
  return names;
}
