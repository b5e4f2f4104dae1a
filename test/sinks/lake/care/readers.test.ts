// What readers of other makers see of a lake that is looked after: deltalake reads the log, DuckDB for Python runs the ready query.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { compact } from '../../../../sinks/lake/care/compact.ts';
import { fold } from '../../../../sinks/lake/care/fold.ts';
import { latestQuery } from '../../../../sinks/lake/care/latest.ts';
import { fieldsOf } from '../../../../sinks/lake/care/shape.ts';
import type { Tended } from '../../../../sinks/lake/care/tended.ts';
import { vacuum } from '../../../../sinks/lake/care/vacuum.ts';
import { signal } from '../../../acceptance/sink-trial.ts';
import type { Row } from '../../../support/batches.ts';
import { hasPython, runReader } from '../../../support/lake/readers.ts';
import { Random } from '../../../support/random/prng.ts';
import { onEveryStorage, type Place } from '../storages.ts';
import { prepareBench, table } from './bench.ts';
import { DAY_MS, deliver, sorted, Workload } from './workload.ts';

const skip = (await hasPython()) ? false : 'there is no python3 of 3.10 or later: what other readers see is not tested';
const program = join(import.meta.dirname, 'latest.py');

interface Seen {
  readonly version: number;
  readonly rows: number;
  readonly latest: Row[];
}

onEveryStorage((makePlace) => {
  const { begin, sinkOn, tendedOn, rowsOf } = prepareBench(makePlace);

  async function seen({ url, options }: Place, tended: Tended, version = ''): Promise<Seen> {
    const { metaData } = await tended.log.read();
    const columns = table.columns.map(({ name }) => name).join(', ');
    const query = `SELECT ${columns} FROM (${latestQuery(fieldsOf(metaData!), 'lake')})`;
    const found = (await runReader(program, `${url}/public/tended`, JSON.stringify(options), version, query)) as Seen;
    return { ...found, latest: sorted(found.latest) };
  }

  test('others read the same rows and the same latest state behind each kind of care, and a version before', {
    skip,
  }, async () => {
    const random = new Random(Date.now());
    const place = await begin();
    const { sink, storage } = place;
    const tended = tendedOn(storage);
    const workload = new Workload(table, random);
    await deliver(
      sink,
      Array.from({ length: 25 }, () => workload.next()),
    );
    const rows = (await rowsOf(storage)).length;
    assert.deepEqual(await seen(place, tended), { version: 25, rows, latest: workload.latest }, `seed ${random.seed}`);
    await compact(tended);
    assert.deepEqual(await seen(place, tended), { version: 26, rows, latest: workload.latest }, `seed ${random.seed}`);
    await fold(tended, { before: workload.now - DAY_MS, dryRun: false });
    const folded = (await rowsOf(storage)).length;
    assert.deepEqual(await seen(place, tended), { version: 27, rows: folded, latest: workload.latest });
    assert.deepEqual(await seen(place, tended, '26'), { version: 26, rows, latest: workload.latest });
    const options = { keepMs: 0, eraseMs: null, dryRun: false };
    const { removed } = await vacuum(tended, 1, { ...options, now: Date.now() + 2 * DAY_MS });
    assert.ok(removed.files >= 25 && removed.logEntries >= 26);
    const next = sinkOn(place.again()); // the one before would have looked at the log anew within these two days
    await next.open(signal);
    await deliver(next, [workload.next()]);
    const { version, latest } = await seen(place, tended);
    assert.deepEqual([version, latest], [28, workload.latest], `seed ${random.seed}`);
    await next.close();
    await sink.close();
  });
});
