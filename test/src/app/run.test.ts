import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { test } from 'node:test';
import type { Check } from '../../../src/app/assembly.ts';
import { listen } from '../../../src/app/http.ts';
import type { Checkpoint } from '../../../src/core/checkpoint.ts';
import { type ErrorCode, type Finding, PgveilError } from '../../../src/core/errors.ts';
import type { Observe } from '../../../src/core/observer.ts';
import { until } from '../../support/wait.ts';
import { batchAt, MemorySink, positionAt, ScriptedSource } from '../pipeline/parts.ts';
import { CANARY, configText, pgveil } from './fakes.ts';

const finding = (code: ErrorCode, object: string): Finding => ({
  code,
  object,
  message: `${code} is so`,
  fix: 'do it',
});
const finds = (...found: Finding[]): Check => ({ needs: 'source', findings: async () => found });
const streams = (observe: Observe) => observe({ type: 'table', table: 'public.a', generation: 1, state: 'streaming' });
const halts = (observe: Observe) =>
  observe({ type: 'table', table: 'public.a', generation: 1, state: 'halted', code: 'no_key' });

/** A source that has what was asked for, and then waits. */
const upToDate = () => new ScriptedSource(() => [batchAt(100n)]);

test('a run until caught up ends with 0', async () => {
  const sink = new MemorySink();
  const { exitCode, err } = await pgveil(['run', '--until-caught-up'], { source: upToDate(), sink, starting: streams });
  assert.deepEqual([exitCode, err], [0, '']);
  assert.equal(sink.durable?.pos, 100n);
});

test('a run until caught up ends with 3 when a table is halted at the end', async () => {
  const { exitCode } = await pgveil(['run', '--until-caught-up'], { source: upToDate(), starting: halts });
  assert.equal(exitCode, 3);
});

test('a run until caught up ends with 3 when a table could not be copied', async () => {
  const stays = (observe: Observe) =>
    observe({ type: 'table', table: 'public.a', generation: 1, state: 'stale', reason: 'a column was added' });
  const { exitCode } = await pgveil(['run', '--until-caught-up'], { source: upToDate(), starting: stays });
  assert.equal(exitCode, 3);
});

for (const [flag, code] of [
  ['--accept-key', 'key_changed'],
  ['--accept-source', 'history_changed'],
] as const) {
  test(`${code} ends a start with 3, and not with ${flag}`, async () => {
    const checks = [finds(finding(code, 'source'))];
    const run = async (...flags: string[]) =>
      (await pgveil(['run', '--until-caught-up', ...flags], { checks, source: upToDate(), starting: streams }))
        .exitCode;
    assert.deepEqual([await run(), await run(flag)], [3, 0]);
  });
}

for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  test(`${signal} ends a run with 0, with what is in hand durable`, async () => {
    const sink = new MemorySink();
    sink.beforeWrite = () => void process.emit(signal);
    const { exitCode, err } = await pgveil(['run'], { source: upToDate(), sink });
    assert.deepEqual([exitCode, err], [0, '']);
    assert.equal(sink.durable?.pos, 100n);
  });
}

test('a run until caught up that is asked to end before has failed', async () => {
  const source = new ScriptedSource(() => [batchAt(1n)]);
  const sink = new MemorySink();
  sink.beforeWrite = () => void process.emit('SIGTERM');
  assert.equal((await pgveil(['run', '--until-caught-up'], { source, sink })).exitCode, 1);
});

test('findings about the configuration end a start with 2 and those about the pipeline with 3, all of them listed', async () => {
  const checks = [
    finds(finding('wal_level', 'source'), finding('unknown_table', 'public.b'), finding('no_key', 'public.a')),
  ];
  const source = upToDate();
  const { exitCode, err, out } = await pgveil(['run'], { checks, source });
  assert.equal(exitCode, 2);
  assert.match(
    err,
    /^error: unknown_table: public\.b: unknown_table is so\n {2}fix: do it\nerror: wal_level: source: wal_level is so\n {2}fix: do it\nerror: no_key: public\.a: no_key is so\n {2}fix: do it\n$/,
  );
  assert.equal(source.opened, 0);
  assert.match(out, /"msg":"listening at 127\.0\.0\.1:\d+"/);
  const person = await pgveil(['run', '--json'], { checks: [finds(finding('wal_level', 'source'))], source });
  assert.equal(person.exitCode, 3);
  assert.deepEqual(JSON.parse(person.err).error, finding('wal_level', 'source'));
});

test('a finding about one table is said, and the others go on', async () => {
  const checks = [finds(finding('no_key', 'public.a'))];
  const { exitCode, out } = await pgveil(['run', '--until-caught-up'], { checks, source: upToDate(), starting: halts });
  assert.equal(exitCode, 3);
  assert.match(out, /"code":"no_key"/);
});

test('that a table will be copied anew is told as a step, and is no error beside others', async () => {
  const renewed = finding('rule_changed', 'public.b');
  const starting = { checks: [finds(renewed)], source: upToDate(), starting: streams };
  const { out } = await pgveil(['run', '--until-caught-up'], starting);
  assert.match(out, /"level":"info".*"msg":"rule_changed is so"/);
  const { err } = await pgveil(['run'], { checks: [finds(renewed, finding('wal_level', 'source'))] });
  assert.match(err, /wal_level/);
  assert.doesNotMatch(err, /rule_changed/);
});

test('a source that is away at the start is waited for', async () => {
  let asked = 0;
  const findings = async () => (asked++ === 0 ? [finding('source_away', 'source')] : []);
  const options = { checks: [{ needs: 'source', findings }], source: upToDate(), starting: streams };
  const { exitCode, out } = await pgveil(['run', '--until-caught-up'], options);
  assert.deepEqual([exitCode, asked], [0, 2]);
  assert.match(out, /"code":"source_away".*"retry_in_ms":\d+/);
});

test('of several sinks one that is away at the start is not waited for, and all of them are', async () => {
  const away = (sink: string): Check => ({ needs: sink, findings: async () => [finding('twin_away', sink)] });
  const there: Check = { needs: 'lake', findings: async () => [] };
  const run = async (...checks: Check[]) =>
    await pgveil(['run', '--until-caught-up', '--timeout', '100ms'], { checks, source: upToDate(), starting: streams });
  assert.equal((await run(away('twin'), there)).exitCode, 0);
  assert.match((await run(away('twin'), away('lake'))).err, /timed_out/);
});

test('what a person has to mend in one sink of several ends a first start with 3, and no later one', async () => {
  const halted: Check = { needs: 'lake', findings: async () => [finding('lake_unfit', 'sinks.lake')] };
  const checks = [halted, { needs: 'twin', findings: async () => [] }];
  const run = async (given: readonly Check[], checkpoint?: Checkpoint) =>
    await pgveil(['run', '--until-caught-up'], { checks: given, checkpoint, source: upToDate(), starting: streams });
  const checkpoint = { position: positionAt(100n), tables: new Map() };
  assert.equal((await run(checks)).exitCode, 3);
  const later = await run(checks, checkpoint);
  assert.equal(later.exitCode, 0, later.err);
  assert.match(later.out, /"code":"lake_unfit"/);
  assert.equal((await run([halted], checkpoint)).exitCode, 3, 'there is no other sink');
  assert.equal((await run([...checks, finds(finding('wal_level', 'source'))], checkpoint)).exitCode, 3);
});

test('a source that stays away ends a run until caught up with 1 after its timeout', async () => {
  const checks = [finds(finding('source_away', 'source'))];
  const { exitCode, err } = await pgveil(['run', '--until-caught-up', '--timeout', '100ms'], { checks });
  assert.equal(exitCode, 1);
  assert.match(err, /^error: timed_out: no progress for 0\.1 s/);
});

test('what only a person can mend ends the run with its exit code, its message and its fix', async () => {
  const source = new ScriptedSource(() => {
    throw new PgveilError('history_changed', 'another server');
  });
  const { exitCode, err } = await pgveil(['run'], { source });
  assert.equal(exitCode, 3);
  assert.match(err, /^error: history_changed: another server\n {2}fix: Make sure/);
});

test('a defect shows its class and where, and no value that its message holds', async () => {
  const source = new ScriptedSource(() => {
    throw new RangeError(CANARY);
  });
  const { exitCode, err, out } = await pgveil(['run'], { source });
  assert.equal(exitCode, 1);
  assert.match(err, /RangeError\.\n {2}fix: .*\n {4}at /);
  assert.ok(!(err + out).includes(CANARY));
});

test('/ready is served while it runs, 200 once the stream is confirmed, and the port is free afterwards', async () => {
  const port = await freePort();
  const ready = async () => (await fetch(`http://127.0.0.1:${port}/ready`)).status;
  const sink = new MemorySink();
  sink.durable = positionAt(100n);
  const source = new ScriptedSource(() => [batchAt(200n)]);
  let observe: Observe = () => {};
  const starting = (observed: Observe) => {
    observe = observed;
    streams(observe);
  };
  sink.beforeWrite = async () => {
    assert.equal(await ready(), 503);
    observe({ type: 'confirmed' });
    assert.equal(await ready(), 503);
  };
  const running = pgveil(['run'], { config: configText(port), source, sink, starting });
  await until(async () => sink.durable?.pos === 200n && (await ready()) === 200, { what: '/ready to be 200' });
  process.emit('SIGTERM');
  assert.equal((await running).exitCode, 0);
  await occupied(port, async () => {});
});

test('a port that a stranger holds ends the start with 2 before anything is opened', async () => {
  const port = await freePort();
  await occupied(port, async () => {
    const source = upToDate();
    const { exitCode, err } = await pgveil(['run'], { config: configText(port), source });
    assert.equal(exitCode, 2);
    assert.match(
      err,
      /^error: cannot_listen: cannot listen at 127\.0\.0\.1:\d+: another process listens there\n {2}fix: /,
    );
    assert.equal(source.opened, 0);
  });
});

async function freePort(): Promise<number> {
  const server = createServer();
  const port = await listen(server, { host: '127.0.0.1', port: 0 });
  await new Promise((resolve) => server.close(resolve));
  return port;
}

async function occupied(port: number, task: () => Promise<void>): Promise<void> {
  const server = createServer((_, response) => response.end('hello'));
  await listen(server, { host: '127.0.0.1', port });
  await task();
  server.close().closeAllConnections();
}
