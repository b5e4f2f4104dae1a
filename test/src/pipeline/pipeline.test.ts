import assert from 'node:assert/strict';
import { once } from 'node:events';
import { describe, test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { RawBatch, RedactedBatch } from '../../../src/core/batch.ts';
import { PgveilError } from '../../../src/core/errors.ts';
import type { Observation } from '../../../src/core/observer.ts';
import { NO_ORDERS } from '../../../src/core/redactor.ts';
import { Desk } from '../../../src/pipeline/desk.ts';
import { runPipeline } from '../../../src/pipeline/pipeline.ts';
import { until } from '../../support/wait.ts';
import { batchAt, MemorySink, PassingRedactor, ScriptedSource } from './parts.ts';

function pipeline(script: ConstructorParameters<typeof ScriptedSource>[0]) {
  const source = new ScriptedSource(script);
  const sink = new MemorySink();
  const redactor = new PassingRedactor();
  const seen: Observation[] = [];
  const observe = (observation: Observation) => void seen.push(observation);
  const parts = { source, sinks: new Map([['twin', sink]]), redactor, observe, memory: 1000 };
  return { source, sink, redactor, seen, parts };
}

const CAUGHT_UP = { caughtUp: true, patienceMs: null };
const never = new AbortController().signal;

test('a run until caught up ends when the position asked for is durable, and acknowledges only what is durable', async () => {
  const { source, sink, parts } = pipeline(() => [batchAt(40n), batchAt(null), batchAt(100n)]);
  await runPipeline(parts, CAUGHT_UP, never);
  assert.equal(sink.durable?.pos, 100n);
  assert.ok(source.acked.every((lsn) => lsn <= 100n) && source.acked.at(-1) === 100n);
  assert.equal(source.closed, 1);
});

test('of what came in the oldest commit is told, also while a transaction is still coming in, and not of what a copy reads', async () => {
  const table = { name: 'public.t' };
  const changed = (clsn: bigint, commitTime: bigint) => ({ table, transaction: { clsn, xid: 7, commitTime } });
  const changes = [changed(30n, 1n), changed(38n, 2n)] as unknown as RawBatch['changes'];
  const part = [changed(60n, 3n)] as unknown as RawBatch['changes'];
  const read = { ...batchAt(null), chunk: { table, number: 1 } as unknown as RawBatch['chunk'], changes: part };
  const { seen, parts } = pipeline(() => [
    read,
    { ...batchAt(40n), changes },
    { ...batchAt(null), changes: part },
    batchAt(100n),
  ]);
  await runPipeline(parts, CAUGHT_UP, never);
  assert.deepEqual(
    seen.filter(({ type }) => type === 'received'),
    [
      { type: 'received', pos: 39n, commitTime: 1n },
      { type: 'received', pos: 61n, commitTime: 3n },
      { type: 'received', pos: 100n, commitTime: null },
    ],
  );
});

test('a passing failure of the source is answered by reading again from what is durable', async () => {
  const { source, sink, parts } = pipeline(function* (read) {
    yield batchAt(40n);
    if (read === 1) throw new PgveilError('source_away', 'gone');
    yield batchAt(100n);
  });
  await runPipeline(parts, CAUGHT_UP, never);
  assert.deepEqual(source.reads, [null, 40n]);
  assert.equal(sink.durable?.pos, 100n);
});

test('a sink that cannot go on with a table halts that table and reads again', async () => {
  const { source, sink, redactor, parts } = pipeline(() => [batchAt(40n), batchAt(100n)]);
  let failed = false;
  sink.beforeWrite = (batch) => {
    if (failed || batch.position?.pos !== 100n) return;
    failed = true;
    throw new PgveilError('key_collision', 'two rows of one key', { table: 'public.t' });
  };
  await runPipeline(parts, CAUGHT_UP, never);
  assert.deepEqual(redactor.halts, [new Map(), new Map([['public.t', 'key_collision']])]);
  assert.equal(source.reads.length, 2);
});

test('what a sink fails with says which of them it is, at its opening and while it writes', async () => {
  const { sink: reporting, seen, parts } = pipeline(() => [batchAt(100n)]);
  const staging = new MemorySink();
  const sinks = new Map([
    ['reporting', reporting],
    ['staging', staging],
  ]);
  const failures = [new PgveilError('twin_away', 'gone'), new PgveilError('twin_away', 'closed')];
  const fail = () => {
    const failure = failures.shift();
    if (failure) throw failure;
  };
  const { open } = staging;
  staging.open = async () => {
    if (failures.length === 2) fail();
    return await open.call(staging);
  };
  staging.beforeWrite = fail;
  await runPipeline({ ...parts, sinks }, CAUGHT_UP, never);
  const told = seen.flatMap((one) => (one.type === 'trouble' ? [[one.part, one.message]] : []));
  assert.deepEqual(told, [
    ['staging', 'sink staging: gone'],
    ['staging', 'sink staging: closed'],
  ]);
});

test('a lost slot is answered by a copy of everything, said aloud', async () => {
  const { source, sink, seen, parts } = pipeline(function* (read) {
    if (read === 1) throw new PgveilError('slot_lost', 'the slot is gone');
    yield batchAt(100n);
  });
  sink.durable = { ...batchAt(50n).position! };
  await runPipeline(parts, CAUGHT_UP, never);
  assert.deepEqual(source.reads, [50n, null]);
  assert.ok(seen.some((one) => one.type === 'trouble' && one.code === 'slot_lost'));
});

test('what only a person can mend ends the run with its code', async () => {
  const { parts } = pipeline(() => {
    throw new PgveilError('history_changed', 'another server');
  });
  await assert.rejects(runPipeline(parts, CAUGHT_UP, never), { code: 'history_changed' });
});

for (const code of ['credentials_refused', 'lake_rights', 'kafka_rights'] as const) {
  test(`${code} ends a first start, and is a passing state for a service that has run`, async () => {
    const first = pipeline(() => {
      throw new PgveilError(code, 'refused');
    });
    await assert.rejects(runPipeline(first.parts, CAUGHT_UP, never), { code });
    const later = pipeline(function* (read) {
      yield batchAt(40n);
      if (read === 1) throw new PgveilError(code, 'refused');
      yield batchAt(100n);
    });
    await runPipeline(later.parts, CAUGHT_UP, never);
    assert.equal(later.sink.durable?.pos, 100n);
  });
}

describe('another history that was accepted', () => {
  const desk = () => new Desk({ ...NO_ORDERS, acceptSource: true });
  const strange = (): RawBatch => {
    const batch = batchAt(100n);
    const history = { ...batch.position!.history, databaseOid: 2 };
    return { ...batch, position: { ...batch.position!, history } };
  };

  test('is copied from the beginning, and of another database no oid counts', async () => {
    const { parts, source, sink, redactor } = pipeline(function* (read) {
      if (read === 1) throw new PgveilError('history_changed', 'another server');
      yield strange();
    });
    sink.durable = { ...batchAt(50n).position! };
    await runPipeline(parts, CAUGHT_UP, never, desk());
    assert.deepEqual(source.reads, [50n, null]);
    assert.equal(redactor.unbinds, 1);
  });

  test('is accepted at the start alone: one that changes later ends the run', async () => {
    const { parts, sink } = pipeline(function* (read) {
      if (read === 2) throw new PgveilError('history_changed', 'another server');
      yield batchAt(90n);
      throw new PgveilError('source_away', 'gone');
    });
    sink.durable = { ...batchAt(50n).position! };
    const { source } = parts;
    const read = source.read.bind(source);
    // It goes away only when what it sent is durable.
    source.read = async function* (from, signal) {
      try {
        yield* read(from, signal);
      } finally {
        await until(() => sink.flushed.length > 0, { what: 'the batch to be durable' });
      }
    };
    await assert.rejects(runPipeline(parts, CAUGHT_UP, never, desk()), { code: 'history_changed' });
  });
});

test('a run until caught up gives up on what stays away', async () => {
  const { parts } = pipeline(() => {
    throw new PgveilError('source_away', 'gone');
  });
  await assert.rejects(runPipeline(parts, { caughtUp: true, patienceMs: 50 }, never), { code: 'timed_out' });
});

test('a signal makes durable what is in hand and ends without an error', async () => {
  const stop = new AbortController();
  const { sink, parts } = pipeline(function* () {
    yield batchAt(40n);
    yield batchAt(50n);
    stop.abort();
  });
  await runPipeline(parts, { caughtUp: false, patienceMs: null }, stop.signal);
  assert.equal(sink.durable?.pos, 50n);
});

test('a mistake of ours is not retried', async () => {
  const { parts } = pipeline(() => {
    throw new TypeError('a mistake');
  });
  await assert.rejects(runPipeline(parts, CAUGHT_UP, never), TypeError);
});

test('a sink that hangs does not keep the process from stopping', { timeout: 20_000 }, async () => {
  const stop = new AbortController();
  const { sink, source, parts } = pipeline(() => [batchAt(40n)]);
  sink.beforeWrite = () => {
    stop.abort();
    return new Promise(() => {});
  };
  const started = performance.now();
  // Nothing else holds the event loop here; in the service sockets do.
  const held = setInterval(() => {}, 1000);
  await runPipeline(parts, { caughtUp: false, patienceMs: null }, stop.signal);
  clearInterval(held);
  assert.ok(performance.now() - started < 10_000);
  assert.equal(sink.durable, null);
  assert.equal(source.closed, 1);
});

test('what is durable already is told at the start, unless it is to be copied again', async () => {
  const { sink, seen, parts } = pipeline(function* (read) {
    if (read === 1) throw new PgveilError('slot_lost', 'the slot is gone');
    yield batchAt(100n);
  });
  sink.durable = { ...batchAt(50n).position! };
  await runPipeline(parts, CAUGHT_UP, never);
  const told = seen.filter(({ type }) => type === 'durable' || type === 'trouble').map(({ type }) => type);
  assert.deepEqual(told, ['durable', 'trouble', 'durable']);
});

test('what became of a table is told when the sink has it, and not when it was read', async () => {
  const { sink, redactor, seen, parts } = pipeline(() => [batchAt(100n)]);
  const entries = new Map([['public.t', { generation: 1, state: { state: 'streaming' } }]]);
  redactor.redact = (batch) => ({ ...batch, entries }) as unknown as RedactedBatch;
  const told = () => seen.some(({ type }) => type === 'table');
  sink.beforeWrite = () => assert.equal(told(), false);
  await runPipeline(parts, CAUGHT_UP, never);
  assert.ok(told());
});

test('a run until caught up ends when the last copy has taken its place, though every position was durable before', async () => {
  const { source, sink, parts } = pipeline(() => []);
  const finished = { type: 'copy finished', table: { name: 'public.t' } } as unknown as RawBatch['events'][number];
  const [copied, durable] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  source.copied = () => copied.promise.then(() => false);
  source.end = () => nextTurn(100n); // a round trip
  source.read = async function* (_from, signal) {
    yield batchAt(100n);
    await durable.promise;
    copied.resolve(); // as the source does: the batch is taken with the next step
    yield { ...batchAt(100n), events: [finished] };
    if (!signal.aborted) await once(signal, 'abort');
  };
  const flush = sink.flush.bind(sink);
  sink.flush = async (position) => {
    await flush(position);
    durable.resolve();
  };
  let placed = false;
  const later = async () => {
    for (let turn = 0; turn < 20; turn++) await nextTurn();
  };
  sink.beforeWrite = ({ events }) => (events.length > 0 ? later() : undefined);
  sink.settled = () => later().then(() => (placed = true));
  await runPipeline(parts, CAUGHT_UP, never);
  assert.ok(placed);
});

test('a sink that fails at every flush is tried at ever longer intervals, and no longer than patience lasts', async () => {
  const { sink, seen, parts } = pipeline(() => [batchAt(40n), batchAt(100n)]);
  sink.beforeFlush = () => Promise.reject(new PgveilError('twin_failed', 'refused'));
  await assert.rejects(runPipeline(parts, { caughtUp: true, patienceMs: 1500 }, never), { code: 'timed_out' });
  const waits = seen.flatMap((one) => (one.type === 'trouble' ? [one.retryInMs!] : []));
  assert.ok(waits.length <= 4 && waits.at(-1)! > waits[0]! * 1.3, waits.join());
});

test('trouble that comes back after something became durable is new trouble', async () => {
  const { sink, seen, parts } = pipeline((read) => [batchAt(BigInt(read) * 40n), batchAt(1000n)]);
  let flushes = 0;
  sink.beforeFlush = () => {
    if (++flushes % 2 === 0 && flushes < 8) throw new PgveilError('twin_away', 'gone');
  };
  await runPipeline(parts, CAUGHT_UP, never);
  const waits = seen.flatMap((one) => (one.type === 'trouble' ? [one.retryInMs!] : []));
  assert.ok(
    waits.every((wait) => wait <= 300),
    waits.join(),
  );
});
