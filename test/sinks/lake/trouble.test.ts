import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { lakeTable } from '../../../sinks/lake/columns/lake-table.ts';
import { Gathering } from '../../../sinks/lake/gathering.ts';
import { Duck } from '../../../sinks/lake/parquet/duck.ts';
import { LakeSink } from '../../../sinks/lake/sink.ts';
import { FolderStorage } from '../../../sinks/lake/storage/folder.ts';
import { fileTrouble } from '../../../sinks/lake/trouble.ts';
import { Yard } from '../../../sinks/lake/yard.ts';
import { apply, signal } from '../../acceptance/sink-trial.ts';
import { copyOf, insert, positionAt, sketchTable, tuple, upTo, writeCopy } from '../../support/batches.ts';
import { SETTINGS } from './storages.ts';

const table = sketchTable({ relation: 't', columns: { id: 'bigint', name: 'text' }, key: ['id'] });

let folder: string;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pgveil-trouble-'));
});
after(() => rm(folder, { recursive: true }));

test('rows that DuckDB has no memory for halt their table, and no value is told', async () => {
  const duck = await Duck.open(join(folder, 'small'));
  const inTurn = duck.inTurn.bind(duck);
  duck.inTurn = (_, work) =>
    inTurn(0, async (connection) => {
      await connection.run("SET memory_limit = '2MB'");
      return await work(connection);
    });
  const yard = new Yard(new FolderStorage(join(folder, 'lake')), duck, '1');
  const gathering = new Gathering(lakeTable(table), yard);
  const transaction = { clsn: 1n, xid: 1, commitTime: 0n };
  const image = tuple(['1', `secret${randomBytes(20_000_000).toString('hex')}`]);
  gathering.add({
    op: 'c',
    transaction,
    seq: 1,
    key: { bytes: Buffer.from('1'), start: 0, end: 1 },
    previousKey: null,
    image,
  });
  await assert.rejects(gathering.finish(), {
    code: 'lake_refused',
    table: 'public.t',
    message: /^no file could be made of rows: [A-Za-z ]+ Error$/,
  });
  await yard.close();
});

test('a disk that is full comes back, and what else is wrong with the rows does not', () => {
  const codes = (message: string) => {
    const { code, table } = fileTrouble(new Error(message), 'public.t');
    return [code, table];
  };
  assert.deepEqual(codes('IO Error: Could not write file "x": No space left on device'), ['lake_away', null]);
  assert.deepEqual(codes('Out of Memory Error: … max_temp_directory_size …'), ['lake_away', null]);
  assert.deepEqual(codes('IO Error: Cannot open file "x": No such file or directory'), ['lake_away', null]);
  assert.deepEqual(codes('Out of Memory Error: failed to allocate data'), ['lake_refused', 'public.t']);
  assert.deepEqual(codes('Invalid Input Error: a value'), ['lake_refused', 'public.t']);
  assert.deepEqual(codes('INTERNAL Error: a value'), ['lake_refused', 'public.t']);
});

test('a folder for temporary files that is gone is made anew by the next open, and nothing is lost', async () => {
  const temporary = join(folder, 'temporary');
  const storage = new FolderStorage(join(folder, 'kept'));
  const sink = new LakeSink({ pipeline: 'trouble', storage, temporary, ...SETTINGS });
  await sink.open(signal);
  await writeCopy(sink, copyOf(table, [['1', 'a']]));
  await sink.flush(positionAt(0x100n));
  await rm(temporary, { recursive: true });
  await assert.rejects(apply(sink, upTo(0x200n, [insert(table, ['2', 'b'])])), { code: 'lake_away', table: null });
  await mkdir(temporary, { mode: 0o700 });
  assert.deepEqual((await sink.open(signal)).position, positionAt(0x100n));
  await apply(sink, upTo(0x200n, [insert(table, ['2', 'b'])]));
  await sink.close();
});
