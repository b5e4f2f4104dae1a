import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { after, before, test } from 'node:test';

let directory: string;
before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'run-'));
});
after(() => rm(directory, { recursive: true }));

/** Runs the runner on one test file with this body. `timeout` in seconds. */
async function runOn(body: string, { env = {}, timeout = 60 } = {}): Promise<{ output: string; code: number }> {
  const file = join(directory, 'only.test.ts');
  await writeFile(file, `import { after, before, describe, test } from 'node:test';\n${body}\n`);
  const { NODE_TEST_CONTEXT: _, CI: __, ...inherited } = process.env;
  const options = ['--in', directory, '--timeout', String(timeout), '--majors', '18'];
  const runner = spawn(process.execPath, [join(import.meta.dirname, 'run.ts'), ...options], {
    env: { ...inherited, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [output, [code]] = await Promise.all([text(runner.stdout), once(runner, 'exit')]);
  await rm(file);
  return { output, code };
}

/** The last line, alone: scripts read it. */
const lastLine = (output: string) => output.trimEnd().split('\n').at(-1);

test('what passes is counted, each test once and suites never', async () => {
  const { output, code } = await runOn(`describe('a', () => { test('b', () => {}); test('c', () => {}); });`);
  assert.equal(lastLine(output), '2 passed, 0 failed');
  assert.match(output, /^ok .*only\.test\.ts +2 passed$/m);
  assert.equal(code, 0);
});

test('a failure is told with its suites, the line that failed and the message', async () => {
  const { output, code } = await runOn(`describe('a', () => {
    test('b', () => {
      throw new Error('no such table');
    });
  });`);
  assert.match(output, /^FAIL .*only\.test\.ts +0 passed, 1 failed\n {4}a › b: no such table$/m);
  assert.match(output, /FAIL .*only\.test\.ts:4 {2}a › b\n {4}Error: no such table/);
  assert.equal(lastLine(output), '0 passed, 1 failed');
  assert.equal(code, 1);
});

test('a hook that fails is a failure', async () => {
  const { output, code } = await runOn(`after(() => { throw new Error('left a slot'); }); test('a', () => {});`);
  assert.match(output, /left a slot/);
  assert.equal(lastLine(output), '1 passed, 1 failed');
  assert.equal(code, 1);
});

test('a file that cannot be loaded is a failure, with what it wrote', async () => {
  const { output, code } = await runOn(`throw new Error('at the top');`);
  assert.match(output, /its process ended with exit 1.*at the top/s);
  assert.equal(lastLine(output), '0 passed, 1 failed');
  assert.equal(code, 1);
});

test('a file that imports what is not there is a failure', async () => {
  const { output, code } = await runOn(`import './not-there.ts';`);
  assert.equal(lastLine(output), '0 passed, 1 failed');
  assert.equal(code, 1);
});

const silent: [string, string, RegExp][] = [
  ['hangs in a test', `test('a', () => new Promise((r) => setTimeout(r, 60_000)));`, /ended after 3 s, in the midst/],
  ['hangs after its tests', `test('a', () => {}); setInterval(() => {}, 1_000);`, /ended after 3 s: an open handle/],
  ['never yields', `test('a', () => { for (;;); });`, /ended after 3 s/],
  ['exits as if all were well', `test('a', async () => { await null; process.exit(0); });`, /ended by itself/],
  ['aborts its test', `test('a', { signal: AbortSignal.abort() }, () => {});`, /FAIL .* a\n/],
  ['holds no test', '', /it holds no test/],
];
for (const [what, body, message] of silent) {
  test(`a file that ${what} is a failure`, async () => {
    const { output, code } = await runOn(body, { timeout: 3 });
    assert.match(output, message);
    assert.match(lastLine(output)!, /^[01] passed, 1 failed$/);
    assert.equal(code, 1);
  });
}

test('what is skipped is said aloud with its reason, and on CI it is a failure', async () => {
  const body = `test('a', () => {}); test('b', (t) => t.skip('no chinook.sql')); test.todo('c');`;
  const here = await runOn(body);
  assert.match(here.output, /SKIPPED: 2 tests did not run\n.*only\.test\.ts:2 {2}b\n +no chinook\.sql\n/);
  assert.equal(lastLine(here.output), '1 passed, 0 failed, 2 skipped');
  assert.equal(here.code, 0);
  const onCi = await runOn(body, { env: { CI: 'true' } });
  assert.equal(lastLine(onCi.output), '1 passed, 2 failed');
  assert.equal(onCi.code, 1);
});

test('an S3 server is prepared for a file that loads one, and for no other', async () => {
  const { output } = await runOn(`test('a', () => {});`);
  assert.doesNotMatch(output, /^S3 /m);
  const through = join(import.meta.dirname, 'sinks/lake/storages.ts');
  const env = { PGVEIL_TEST_S3: 'http://key:secret@127.0.0.1:1' };
  const needing = await runOn(`import ${JSON.stringify(through)};\ntest('a', () => {});`, { env });
  assert.match(needing.output, /^S3 from 127\.0\.0\.1:1$/m);
});

test('what cannot be prepared fails the tests that need it, and no others', async () => {
  const other = join(directory, 'other.test.ts');
  await writeFile(other, `import { test } from 'node:test';\ntest('needs nothing', () => {});\n`);
  const s3 = JSON.stringify(join(import.meta.dirname, 'support/lake/s3.ts'));
  const body = `import { startS3 } from ${s3};\ntest('a', () => startS3());`;
  const { output, code } = await runOn(body, { env: { PGVEIL_TEST_S3: 'nowhere' } });
  await rm(other);
  assert.match(output, /^ok .*other\.test\.ts +1 passed$/m);
  assert.match(output, /^FAIL .*only\.test\.ts +0 passed, 1 failed$/m);
  assert.equal(lastLine(output), '1 passed, 1 failed');
  assert.equal(code, 1);
});
