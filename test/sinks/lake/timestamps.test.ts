import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { Timestamps } from '../../../sinks/lake/columns/lake-table.ts';
import { DeltaLog } from '../../../sinks/lake/delta/log.ts';
import type { Duck } from '../../../sinks/lake/parquet/duck.ts';
import { LakeSink } from '../../../sinks/lake/sink.ts';
import { FolderStorage } from '../../../sinks/lake/storage/folder.ts';
import { signal } from '../../acceptance/sink-trial.ts';
import { copyOf, insert, nextGeneration, positionAt, sketchTable, upTo, writeCopy } from '../../support/batches.ts';
import { openDuck } from './delta.ts';
import { SETTINGS } from './storages.ts';

let duck: Duck;
let directory: string;
before(async () => {
  duck = await openDuck();
  directory = await mkdtemp(join(tmpdir(), 'pgveil-timestamps-'));
});
after(async () => {
  await duck.close();
  await rm(directory, { recursive: true, force: true });
});

const local = 'timestamp(3) without time zone';
const table = sketchTable({
  relation: 't',
  columns: { id: 'bigint', at: local, all: `${local.replace('(3)', '')}[]`, zoned: 'timestamp with time zone' },
  key: ['id'],
});
const ROW = ['2026-11-21 10:00:00', '{"2026-11-21 10:00:00"}', '2026-11-21 10:00:00+00'];

async function opened(timestamps: Timestamps): Promise<LakeSink> {
  const storage = new FolderStorage(join(directory, 'lake'));
  const sink = new LakeSink({ pipeline: 'p', storage, temporary: join(directory, 'files'), ...SETTINGS, timestamps });
  await sink.open(signal);
  return sink;
}

/** What Delta's log says of the table now. */
async function described() {
  const log = new DeltaLog(new FolderStorage(join(directory, 'lake')), duck, 'public/t');
  const { metaData, protocol } = await log.read();
  const { fields } = JSON.parse(metaData!.schemaString) as { fields: { name: string; type: unknown }[] };
  const shown = fields.filter(({ name }) => ['at', 'all', 'zoned'].includes(name)).map(({ type }) => type);
  return { shown, reader: protocol!.minReaderVersion };
}

const list = (elementType: string) => ({ type: 'array', elementType, containsNull: true });

test('timestamps without a zone are texts where that is asked for, and what is asked for later is for the next copy', async () => {
  const texts = { shown: ['string', list('string'), 'timestamp'], reader: 1 };
  const first = await opened('string');
  await writeCopy(first, copyOf(table, [['1', ...ROW]]));
  await first.flush(positionAt(0x100n));
  await first.close();
  assert.deepEqual(await described(), texts);

  const second = await opened('timestamp_ntz');
  await second.write(upTo(0x200n, [insert({ ...table }, ['2', ...ROW])]));
  await second.flush(positionAt(0x200n));
  assert.deepEqual(await described(), texts);

  const next = nextGeneration(table);
  await writeCopy(second, copyOf(next, [['1', ...ROW]]));
  await second.flush(positionAt(0x300n));
  await second.close();
  assert.deepEqual(await described(), { shown: ['timestamp_ntz', list('timestamp_ntz'), 'timestamp'], reader: 3 });
});
