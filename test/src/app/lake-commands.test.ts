// `pgveil lake …` on lakes as the configuration names them, in a folder and on S3.
import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { after, before, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { loadConfig } from '../../../config/load.ts';
import { execute } from '../../../src/app/execute.ts';
import { assemble } from '../../../src/app/wire.ts';
import { apply, signal } from '../../acceptance/sink-trial.ts';
import { onEveryStorage } from '../../sinks/lake/storages.ts';
import { copyOf, insert, positionAt, type Row, remove, sketchTable, upTo, writeCopy } from '../../support/batches.ts';
import { configText, Paper } from './fakes.ts';

const table = sketchTable({ relation: 'a', columns: { id: 'bigint', name: 'text' }, key: ['id'] });

onEveryStorage((makePlace) => {
  let folder: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'pgveil-'));
  });
  after(() => rm(folder, { recursive: true, force: true }));

  /** Removes a file of the lake that was made last. */
  let removeOne: () => Promise<void>;

  /** A configuration with a lake, whose table has a file for each of these rows and one for the deletion of the first. */
  async function lakeOf(...rows: Row[]) {
    const { url, options, storage } = makePlace();
    const sink = { type: 'lake', url: url.startsWith('s3:') ? url : String(pathToFileURL(url)) };
    const endpoint = options.AWS_ENDPOINT_URL;
    Object.assign(process.env, options, { AWS_ENDPOINT_URL: undefined });
    delete process.env.AWS_ENDPOINT_URL;
    const file = join(folder, `${basename(url)}.yaml`);
    const text = configText().replace(/sinks:.*/, `sinks: { lake: ${JSON.stringify({ ...sink, endpoint })} }`);
    await writeFile(file, text);
    const config = loadConfig(file);
    const { parts } = await assemble(config, () => config);
    const writer = parts(() => {}).sinks.get('lake')!;
    await writer.open(signal);
    await writeCopy(writer, copyOf(table, []));
    await writer.flush(positionAt(0x100n));
    const inserts = rows.map((row, i) => upTo(0x200n + 16n * BigInt(i), [insert(table, row)]));
    await apply(writer, ...inserts, upTo(0x900n, [remove(table, [rows[0]![0]!, null])]));
    await writer.close();
    removeOne = async () => {
      for await (const { name } of storage.list('shop/public/a/_date=2000-01-01/')) return await storage.delete(name);
    };
    return async (...args: string[]) => {
      const [out, err] = [new Paper(), new Paper()];
      const exitCode = await execute(['lake', ...args, '-c', file], assemble, out, err);
      return { exitCode, out: out.text, err: err.text };
    };
  }

  test('a lake is compacted, vacuumed and verified', async () => {
    const pgveil = await lakeOf(['1', 'a'], ['2', 'b'], ['3', 'c']);
    const compacted = await pgveil('compact', '--json');
    const [done] = JSON.parse(compacted.out).tables;
    assert.deepEqual(
      [compacted.exitCode, done.sink, done.table, done.filesBefore, done.filesAfter],
      [0, 'lake', 'public.a', 4, 1],
    );
    assert.match((await pgveil('compact', 'public.a')).out, /^public\.a: 1 file, nothing to merge\n$/);
    const asked = await pgveil('vacuum', '--keep', '0s', '--erase-after', '1d', '--dry-run');
    assert.match(asked.out, /4 files would be removed/);
    assert.match(asked.out, /would be erased up to .*: 1 key, 2 rows in 1 file/);
    const vacuumed = await pgveil('vacuum', '--keep', '0s', '--erase-after', '1d', '--json');
    const [receipt] = JSON.parse(vacuumed.out).tables;
    assert.deepEqual([receipt.erased.keys, receipt.erased.rows, receipt.removed.files], [1, 2, 5]);
    const verified = await pgveil('verify', '--json');
    assert.equal(verified.exitCode, 0, verified.out);
    assert.deepEqual(JSON.parse(verified.out).tables[0].problems, []);
    assert.match((await pgveil('verify')).out, /^public\.a: 1 file, 2 rows, all right\n$/);
  });

  test('the latest state alone can be kept, and its query be printed', async () => {
    const pgveil = await lakeOf(['1', 'a'], ['2', 'b'], ['3', 'c']);
    const { exitCode, out } = await pgveil('compact', 'public.a', '--latest', '--json');
    const [{ folded }] = JSON.parse(out).tables;
    assert.deepEqual([exitCode, folded.dropped, folded.keys], [0, 2, 1]);
    const query = await pgveil('query', 'public.a');
    assert.equal(query.exitCode, 0);
    assert.match(query.out, /FROM delta_scan\('.*\/shop\/public\/a'\)/);
  });

  test('what is wrong is told with exit code 3', async () => {
    const pgveil = await lakeOf(['1', 'a'], ['2', 'b']);
    await removeOne();
    const { exitCode, out } = await pgveil('verify');
    assert.equal(exitCode, 3);
    assert.match(out, /^public\.a:\n {2}file: .* is not there\n$/);
  });

  test('a table that is not there, a lake that is not configured and what cannot be erased are refused', async () => {
    const pgveil = await lakeOf(['1', 'a']);
    for (const args of [
      ['compact', 'public.b'],
      ['verify', 'not a table'],
      ['query', 'public.b'],
      ['vacuum', '--keep', '7d', '--erase-after', '7d'],
      ['vacuum', '--keep', 'long'],
      ['compact', '--sink', 'other'],
    ]) {
      const { exitCode, err } = await pgveil(...args, '--json');
      assert.equal(exitCode, 2, args.join(' '));
      assert.equal(JSON.parse(err).error.code, 'command_line');
    }
  });

  test('nothing stays in the folder for temporary files', async () => {
    const pgveil = await lakeOf(['1', 'a']);
    await pgveil('compact');
    const names = await readdir(tmpdir());
    assert.deepEqual(
      names.filter((name) => name.endsWith(`-care-${process.pid}`)),
      [],
    );
  });
});

test('help has examples', async () => {
  const out = new Paper();
  for (const command of ['compact', 'vacuum', 'verify', 'query']) {
    assert.equal(await execute(['lake', command, '--help'], assemble, out, new Paper()), 0);
    assert.match(out.text, new RegExp(`\\$ pgveil lake ${command}`));
  }
});
