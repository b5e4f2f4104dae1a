import assert from 'node:assert/strict';
import { hash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { type Decision, ruleOf, type Tables } from '../support/judge/decisions.ts';
import { expectation } from '../support/judge/rules.ts';
import { projectRoot } from '../support/project.ts';
import { Servers } from '../support/trial/servers.ts';
import type { Service } from '../support/trial/service.ts';
import type { Trial } from '../support/trial/trial.ts';
import { KEY } from '../support/trial/trial-configuration.ts';
import { until } from '../support/wait.ts';

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

const PROBE = pathToFileURL(join(projectRoot, 'test/support/trial/loop-probe.ts'));

const ROWS = 1_000_000;
/** Every thousandth row: the twin takes ten thousand and more at a time, and counting all of them would take longer than they do. */
const SAMPLED = ROWS / 1000;
const IDS = Array.from({ length: SAMPLED }, (_, index) => (index + 1) * 1000);

/** Milliseconds: the machine may have much else to do. What is measured here is not speed. */
const PATIENCE = 240_000;

const LARGE_VALUE = '0123456789'.repeat(10_000_000);

const tables: Tables = {
  'public.t': {
    columns: { id: 'keep', a: 'hash', b: { mask: { first: 2 } }, c: 'keep', d: 'keep', e: 'keep' },
  },
};

const INSERT = `INSERT INTO t SELECT i, 'a' || i, md5(i::text), repeat('c', 40), now(), i / 7.0 FROM generate_series(1, ${ROWS}) i`;

const SETUP = `CREATE TABLE t (id integer PRIMARY KEY, a text, b text, c text, d timestamptz, e numeric)`;

describe('with memory: 256MB', { skip }, () => {
  test('a transaction of 1,000,000 rows stays below 410 MB, and the twin sees all of it or nothing', async (t) => {
    await using trial = await servers.trial(SETUP, tables);
    const service = await stream(trial);
    const steps = [
      [INSERT, 'count(*)', 0, SAMPLED],
      [`UPDATE t SET a = 'new' || id, e = -1`, 'count(*) FILTER (WHERE e = -1)', 0, SAMPLED],
      ['DELETE FROM t', 'count(*)', SAMPLED, 0],
    ] as const;
    for (const [sql, counted, before, then] of steps) {
      await trial.source.query(sql);
      const seen = await countsUntilHeld(trial, service, counted);
      assert.equal(seen.at(-1), then);
      assert.deepEqual(new Set([before, ...seen]), new Set([before, then]), `seen in parts: ${sql}`);
      await assertBounded(t, trial, service, MEMORY_LIMIT, 100);
    }
  });

  test('copying 1,000,000 rows stays below 410 MB', async (t) => {
    await using trial = await servers.trial(SETUP, tables);
    await trial.source.query(INSERT);
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
    await trial.holdsAll(service, PATIENCE);
    assert.equal(await count(trial, 'count(*)'), 500_000);
    await assertBounded(t, trial, service, MEMORY_LIMIT, 100);
  });

  const rules: readonly (readonly [Decision, () => string])[] = [
    ['keep', () => LARGE_VALUE],
    [{ mask: { first: 2 } }, () => '01'.padEnd(LARGE_VALUE.length, '*')],
    ['hash', () => expectation(ruleOf('hash'), KEY)(LARGE_VALUE)!],
  ];
  for (const [rule, redacted] of rules) {
    for (const way of ['streamed', 'copied']) {
      test(`a row of 100 MB under ${ruleOf(rule).name}, ${way}, stays below 710 MB`, async (t) => {
        const columns = { ...tables['public.t']!.columns, c: rule };
        await using trial = await servers.trial(SETUP, { 'public.t': { columns } });
        const large = `INSERT INTO t (id, a, c) VALUES (1, 'x', repeat('0123456789', 10000000))`;
        if (way === 'copied') await trial.source.query(large);
        const service = await stream(trial);
        if (way === 'streamed') await trial.source.query(large);
        await trial.holdsAll(service, PATIENCE);
        await assertBounded(t, trial, service, LARGE_ROW_LIMIT, 300);
        const { rows } = await trial.twin.query('SELECT md5(c) AS md5 FROM t');
        assert.deepEqual(rows, [{ md5: hash('md5', redacted()) }]);
      });
    }
  }
});

/** The service once every table streams, with a probe of its event loop. */
async function stream(trial: Trial): Promise<Service> {
  const environment = { NODE_OPTIONS: `--import ${PROBE}`, PGVEIL_TEST_PROBE: trial.file('probe') };
  const service = await trial.run({ environment });
  await service.isReady(PATIENCE);
  return service;
}

async function count(trial: Trial, what: string): Promise<number> {
  const { rows } = await trial.twin.query(`SELECT (${what})::int AS n FROM t`);
  return rows[0].n;
}

/** Every number of sampled rows that somebody reading the twin meets, up to when the service holds all that is committed by now. */
async function countsUntilHeld(trial: Trial, service: Service, what: string): Promise<number[]> {
  const seen: number[] = [];
  let isHeld = false;
  const holding = trial.holdsAll(service, PATIENCE).finally(() => {
    isHeld = true;
  });
  const look = async () => {
    const isLast = isHeld;
    const { rows } = await trial.twin.query(`SELECT (${what})::int AS n FROM t WHERE source_primary_key = ANY ($1)`, [
      IDS,
    ]);
    seen.push(rows[0].n);
    return isLast;
  };
  await Promise.all([until(look, { what: 'the twin to hold all', timeout: PATIENCE + 10_000 }), holding]);
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
  const held = Number((await readFile(trial.file('probe'), 'utf8')).trim().split('\n').at(-1));
  const young = (await service.metric('pgveil_nodejs_heap_space_size_total_bytes{space="new"}')) ?? Number.NaN;
  t.diagnostic(
    `${Math.round(peak / 1e6)} MB at the highest, ${held} ms of work at most without a turn of the event loop`,
  );
  assert.ok(peak < limit, `${Math.round(peak / 1e6)} MB resident, ${limit / 1e6} MB allowed`);
  assert.ok(young < 40e6, `V8’s new space has ${young / 1e6} MB: its flags were not set before other modules ran`);
  assert.ok(held > 0 && held <= holding, `the event loop was held for ${held} ms of work`);
}
