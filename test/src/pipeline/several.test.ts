import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { RawBatch, RedactedBatch } from '../../../src/core/batch.ts';
import { PgveilError } from '../../../src/core/errors.ts';
import { runPipeline } from '../../../src/pipeline/pipeline.ts';
import { until } from '../../support/wait.ts';
import { batchAt, MemorySink, PassingRedactor, positionAt, ScriptedSource } from './parts.ts';

// Several sinks, each with a checkpoint and a pace of its own.

const never = new AbortController().signal;

/** Three transactions, one of them committed at each of these. */
const SCRIPT = [40n, 70n, 100n].map((pos) => {
  return { ...batchAt(pos), changes: [{ transaction: { clsn: pos - 10n } }] } as unknown as RawBatch;
});

function severalOf(sinks: ReadonlyMap<string, MemorySink>) {
  const source = new ScriptedSource(() => SCRIPT);
  const redactor = new PassingRedactor();
  return { source, sinks, redactor, observe() {}, memory: 1_000_000 };
}

const clsnsOf = (sink: MemorySink) =>
  sink.written.flatMap(({ changes }) => changes.map(({ transaction }) => transaction.clsn));

test('reading begins where the slowest stands, each gets what it lacks, and the slot follows the slowest', async () => {
  const [ahead, behind] = [new MemorySink(), new MemorySink()];
  ahead.durable = positionAt(70n);
  behind.durable = positionAt(10n);
  const parts = severalOf(
    new Map([
      ['twin', ahead],
      ['lake', behind],
    ]),
  );
  await runPipeline(parts, { caughtUp: true, patienceMs: null }, never);
  assert.deepEqual(parts.source.reads, [10n]);
  assert.deepEqual([clsnsOf(ahead), clsnsOf(behind)], [[90n], [30n, 60n, 90n]]);
  assert.ok(
    ahead.flushed.every((pos) => pos >= 70n),
    'a position went back',
  );
  assert.equal(parts.source.acked.at(-1), 100n);
});

test('a run until caught up waits for no sink that gathers', async () => {
  const [twin, lake] = [new MemorySink(), new MemorySink()];
  lake.pace = { atRest: false, bytes: Number.POSITIVE_INFINITY, ms: 3_600_000 };
  for (const sink of [twin, lake]) sink.durable = positionAt(10n);
  const parts = severalOf(
    new Map([
      ['twin', twin],
      ['lake', lake],
    ]),
  );
  await runPipeline(parts, { caughtUp: true, patienceMs: null }, never);
  assert.deepEqual([twin.durable?.pos, lake.durable?.pos], [100n, 100n]);
});

test('sinks of different sources end the run, since nothing says which of them is meant', async () => {
  const [one, other] = [new MemorySink(), new MemorySink()];
  one.durable = positionAt(10n);
  const { history, ...position } = positionAt(20n);
  other.durable = { ...position, history: { ...history, databaseOid: 2 } };
  const parts = severalOf(
    new Map([
      ['twin', one],
      ['lake', other],
    ]),
  );
  await assert.rejects(runPipeline(parts, { caughtUp: true, patienceMs: null }, never), { code: 'history_changed' });
  assert.deepEqual(parts.source.reads, []);
});

test('what a sink refuses of a copy is not kept in memory', async () => {
  setFlagsFromString('--expose-gc');
  const [twin, lake] = [new MemorySink(), new MemorySink()];
  for (const sink of [twin, lake]) sink.durable = positionAt(10n);
  const table = { name: 'public.large' };
  const held: WeakRef<RedactedBatch>[] = [];
  twin.beforeWrite = (batch) => {
    if (!batch.chunk) return;
    held.push(new WeakRef(batch));
    throw new PgveilError('twin_full', 'no room', { table: 'public.large' });
  };
  lake.write = async () => {};
  const source = new ScriptedSource(function* () {
    for (let number = 1; number <= 5; number++)
      yield { ...batchAt(null), chunk: { table, number } } as unknown as RawBatch;
    yield batchAt(100n);
  });
  const sinks = new Map([
    ['twin', twin],
    ['lake', lake],
  ]);
  const stop = new AbortController();
  const run = runPipeline({ ...severalOf(sinks), source }, { caughtUp: false, patienceMs: null }, stop.signal);
  await until(async () => lake.durable?.pos === 100n && twin.durable?.pos === 100n, {
    what: 'what came behind the copy',
  });
  runInNewContext('gc')();
  assert.equal(held.length, 5);
  assert.deepEqual(
    held.filter((one) => one.deref() !== undefined),
    [],
  );
  stop.abort();
  await run;
});
