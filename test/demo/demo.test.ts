import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { projectRoot } from '../support/project.ts';

/** What the project promises for a machine on which everything is downloaded already. */
const TIMEOUT_MS = 180_000;

test('the demo ends by itself with one line of JSON: all arrived, and nothing raw', async () => {
  const { NODE_TEST_CONTEXT: _, ...env } = process.env; // the test runner's word to its own children
  // Rejects, with all that was said on stderr, unless the exit code is 0.
  const demo = promisify(execFile)('npm', ['run', '-s', 'demo', '--', '--once', '--json'], {
    cwd: projectRoot,
    env,
    timeout: TIMEOUT_MS,
  });
  const { stdout, stderr } = await demo;
  // It goes without topics where no broker can be had, and says so: never in CI.
  const hasKafka = process.env.CI === 'true' || !/^no Kafka/m.test(stderr);
  const expected = ['twin', 'lake', ...(hasKafka ? ['topics'] : [])];
  const [line, ...rest] = stdout.split('\n');
  assert.deepEqual(rest, [''], 'stdout has one line');
  const { rows_copied, changes, mismatches, raw_values_found, lag_ms, sinks } = JSON.parse(line!);
  assert.deepEqual(
    { mismatches, raw_values_found, sinks },
    {
      mismatches: 0,
      raw_values_found: 0,
      sinks: Object.fromEntries(expected.map((sink) => [sink, { mismatches: 0 }])),
    },
  );
  assert.ok(rows_copied > 0, 'rows were copied');
  assert.ok(changes > 0, 'rows were changed');
  assert.ok(lag_ms.p50 > 0 && lag_ms.p99 >= lag_ms.p50, 'the lag was measured');
});

test('the demo that is asked for help prints it, starts nothing and ends with 0', async () => {
  const run = promisify(execFile);
  const { stdout, stderr } = await run(process.execPath, ['demo/demo.ts', '--help'], { cwd: projectRoot });
  assert.match(stdout, /^npm run demo /);
  assert.equal(stderr, '');
});
