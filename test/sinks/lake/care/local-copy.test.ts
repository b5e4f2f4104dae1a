import assert from 'node:assert/strict';
import { access, rm } from 'node:fs/promises';
import { after, before, test } from 'node:test';
import { LocalCopies } from '../../../../sinks/lake/care/local-copy.ts';
import { type Duck, literal } from '../../../../sinks/lake/parquet/duck.ts';
import type { Storage } from '../../../../sinks/lake/storage/storage.ts';
import { openDuck } from '../delta.ts';
import { onEveryStorage } from '../storages.ts';

onEveryStorage((makePlace) => {
  let duck: Duck;
  before(async () => {
    duck = await openDuck();
  });
  after(() => duck.close());

  async function query(sql: string): Promise<unknown[][]> {
    const connection = await duck.connect();
    try {
      return (await connection.runAndReadAll(sql)).getRowsJson();
    } finally {
      connection.closeSync();
    }
  }

  /** An object of some megabytes, in several row groups, and its size. */
  async function parquetOn(storage: Storage): Promise<number> {
    const file = duck.path('parquet');
    await query(`COPY (SELECT i::VARCHAR AS key, 'same' AS op, md5(i::VARCHAR) AS large, [i::VARCHAR] AS list FROM range(60000) r(i))
      TO ${literal(file)} (FORMAT parquet, ROW_GROUP_SIZE 20480)`);
    await storage.upload('t/a.parquet', file);
    await rm(file);
    for await (const { size } of storage.list('t/')) return size;
    throw new Error('it is not there');
  }

  const ASKED = `SELECT count(*), min(key), max(key), any_value(op), sum(len(list)) FROM`;

  test('columns that are asked for are brought, of all row groups, and the others are not', async () => {
    const { storage } = makePlace();
    const size = await parquetOn(storage);
    assert.ok(size > 1024 * 1024);
    let bytes = 0;
    const counted: Storage = Object.create(storage, {
      read: {
        value: async (name: string, start: number, end: number) => {
          bytes += end - start;
          return await storage.read(name, start, end);
        },
      },
    });
    const path = await new LocalCopies(counted, duck).bring('t/a.parquet', size, ['key', 'op', 'list', 'none of them']);
    const whole = await new LocalCopies(storage, duck).bring('t/a.parquet', size, null);
    const [found, expected] = [await query(`${ASKED} ${literal(path)}`), await query(`${ASKED} ${literal(whole)}`)];
    assert.deepEqual(found, expected);
    assert.equal(Number(found[0]![0]), 60_000);
    assert.ok(bytes < size / 2, `${bytes} of ${size}`);
    await assert.rejects(query(`SELECT max(large) FROM ${literal(path)}`));
    await Promise.all([path, whole].map((one) => rm(one)));
  });

  test('of an object that is not there, or shorter than the log says, nothing stays', async () => {
    const { storage } = makePlace();
    await storage.put('t/short.parquet', Buffer.from('short'));
    const made: string[] = [];
    const watched: Duck = Object.create(duck, {
      path: {
        value: (extension: string) => {
          made.push(duck.path(extension));
          return made.at(-1);
        },
      },
      connect: { value: () => duck.connect() },
    });
    for (const name of ['t/short.parquet', 't/none.parquet']) {
      await assert.rejects(new LocalCopies(storage, watched).bring(name, 1000, null), { name: 'PgveilError' });
    }
    assert.equal(made.length, 2);
    for (const path of made) await assert.rejects(access(path));
  });
});
