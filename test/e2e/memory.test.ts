import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import type { Tables } from '../support/decisions.ts';
import { projectRoot } from '../support/project.ts';
import { Servers } from '../support/servers.ts';
import type { Service } from '../support/service.ts';
import type { Trial } from '../support/trial.ts';

// The bounds of the contract with `memory: 256MB`, which is 268 million bytes: 150 MB more, and for a row of 100 MB three times its
// size on top. The operating system counts for us (VmHWM), which is why these run on Linux alone.
const skip = process.platform !== 'linux' && 'resident memory is read from /proc';
const MEMORY_LIMIT = 410e6;
const LARGE_ROW_LIMIT = 710e6;

const servers = await Servers.start({
  sourceSettings: { fsync: 'off', max_wal_size: '4GB' },
  twinSettings: { fsync: 'off', max_wal_size: '4GB' },
});
after(() => servers[Symbol.asyncDispose]());

const PROBE = pathToFileURL(join(projectRoot, 'test/support/loop-probe.ts'));

const ROWS = 1_000_000;

const tables: Tables = {
  'public.t': {
    columns: { id: 'keep', a: 'hash', b: { mask: { first: 2 } }, c: 'keep', d: 'keep', e: 'keep' },
  },
};

const SETUP = `CREATE TABLE t (id integer PRIMARY KEY, a text, b text, c text, d timestamptz, e numeric)`;

describe('with memory: 256MB', { skip }, () => {
  test('a transaction of 1,000,000 rows stays below 410 MB, and the twin sees all of it or nothing', async (t) => {
    await using trial = await servers.trial(SETUP, tables);
    const service = await stream(trial);
    const steps = {
      inserted: [
        `INSERT INTO t SELECT i, 'a' || i, md5(i::text), repeat('c', 40), now(), i / 7.0 FROM generate_series(1, ${ROWS}) i`,
        0,
        ROWS,
      ],
      updated: [`UPDATE t SET a = 'new' || id, e = -1`, 0, ROWS],
      deleted: ['DELETE FROM t', ROWS, 0],
    } as const;
    for (const [done, [sql, before, then]] of Object.entries(steps)) {
      const counted = done === 'updated' ? 'count(*) FILTER (WHERE e = -1)' : 'count(*)';
      await trial.source.query(sql);
      const seen = await countsUntilHeld(trial, service, counted);
      assert.deepEqual(
        [...seen].filter((count) => count !== before && count !== then),
        [],
        `partly ${done}`,
      );
      await assertBounded(t, trial, service, MEMORY_LIMIT, 100);
    }
  });

  test('copying 1,000,000 rows stays below 410 MB', async (t) => {
    await using trial = await servers.trial(SETUP, tables);
    await trial.source.query(
      `INSERT INTO t SELECT i, 'a' || i, md5(i::text), repeat('c', 40), now(), i FROM generate_series(1, ${ROWS}) i`,
    );
    const service = await stream(trial);
    assert.equal(await count(trial, 'count(*)'), ROWS);
    await assertBounded(t, trial, service, MEMORY_LIMIT, 100);
  });

  test('a twin that does not take anything stops the reading, not the memory', async (t) => {
    await using trial = await servers.trial(SETUP, tables);
    const service = await stream(trial);
    await trial.twin.query('BEGIN; LOCK TABLE t IN ACCESS EXCLUSIVE MODE');
    for (let part = 0; part < 10; part++) {
      await trial.source.query(
        `INSERT INTO t SELECT i, 'a', 'b', repeat(md5(i::text), 30) FROM generate_series(${part * 50_000 + 1}, ${(part + 1) * 50_000}) i`,
      );
    }
    await trial.twin.query('ROLLBACK');
    await trial.holdsAll(service, 120_000);
    assert.equal(await count(trial, 'count(*)'), 500_000);
    await assertBounded(t, trial, service, MEMORY_LIMIT, 100);
  });

  for (const way of ['streamed', 'copied']) {
    test(`a row of 100 MB, ${way}, stays below 710 MB`, async (t) => {
      await using trial = await servers.trial(SETUP, tables);
      const large = `INSERT INTO t (id, a, c) VALUES (1, 'x', repeat('0123456789', 10000000))`;
      if (way === 'copied') await trial.source.query(large);
      const service = await stream(trial);
      if (way === 'streamed') await trial.source.query(large);
      await trial.holdsAll(service, 60_000);
      await assertBounded(t, trial, service, LARGE_ROW_LIMIT, 500);
      const { rows } = await trial.twin.query(
        'SELECT length(c)::int AS length, md5(c) = md5(repeat($1, 10000000)) AS same FROM t',
        ['0123456789'],
      );
      assert.deepEqual(rows, [{ length: 100_000_000, same: true }]);
    });
  }
});

/** The service once every table streams, with a probe of its event loop. */
async function stream(trial: Trial): Promise<Service> {
  const environment = { NODE_OPTIONS: `--import ${PROBE}`, PGVEIL_TEST_PROBE: trial.file('probe') };
  const service = await trial.run({ environment });
  await service.isReady();
  return service;
}

async function count(trial: Trial, what: string): Promise<number> {
  const { rows } = await trial.twin.query(`SELECT (${what})::int AS n FROM t`);
  return rows[0].n;
}

/** Every number of rows that somebody reading the twin meets until the service holds all that is committed by now. */
async function countsUntilHeld(trial: Trial, service: Service, what: string): Promise<Set<number>> {
  const seen = new Set<number>();
  let held = false;
  const holding = trial.holdsAll(service, 240_000).finally(() => {
    held = true;
  });
  while (!held) seen.add(await count(trial, what));
  await holding;
  return seen;
}

async function assertBounded(
  t: { diagnostic(text: string): void },
  trial: Trial,
  service: Service,
  limit: number,
  holding: number,
): Promise<void> {
  const peak = await service.peakMemory();
  const held = Number(await readFile(trial.file('probe'), 'utf8'));
  const delay = await service.metric('pgveil_nodejs_eventloop_lag_max_seconds');
  t.diagnostic(
    `${Math.round(peak / 1e6)} MB at the highest, event loop held for ${held} ms of the processor at most, ${Math.round(delay * 1000)} by the clock`,
  );
  assert.ok(peak < limit, `${Math.round(peak / 1e6)} MB resident, ${limit / 1e6} MB allowed`);
  assert.ok(held <= holding, `the event loop was held for ${held} ms`);
}
