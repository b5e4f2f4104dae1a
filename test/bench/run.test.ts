import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { projectRoot } from '../support/project.ts';

const execute = promisify(execFile);

async function bench(...args: string[]) {
  const { NODE_TEST_CONTEXT: _, ...env } = process.env;
  const run = execute(process.execPath, [join(projectRoot, 'bench/run.ts'), ...args], { env });
  return await run.then(
    ({ stdout, stderr }) => ({ code: 0, stdout, stderr }),
    ({ code, stdout, stderr }) => ({ code: code as number, stdout: stdout as string, stderr: stderr as string }),
  );
}

test('help names every bench', async () => {
  const { code, stdout } = await bench('--help');
  assert.equal(code, 0);
  for (const name of ['apply', 'copy', 'latency', 'recopy', 'beside', 'lake', 'kafka', 'fanout', 'outage-twin'])
    assert.match(stdout, new RegExp(`^ .* ${name}\\b`, 'm'));
});

for (const args of [
  [],
  ['speed'],
  ['constructor'],
  ['apply', 'copy'],
  ['apply', '--runs', '0'],
  ['copy', '--scale', 'x'],
  ['--fast'],
]) {
  test(`\`bench ${args.join(' ')}\` is refused with the usage, and starts nothing`, async () => {
    const { code, stdout, stderr } = await bench(...args);
    assert.equal(code, 2);
    assert.equal(stdout, '');
    assert.match(stderr, /^npm run -s bench -- NAME/);
  });
}

test('ours and the reference are measured in the same runs, and the last line says how they compare', async () => {
  const { code, stdout, stderr } = await bench('copy', '--json', '--runs', '2', '--scale', '0.01');
  assert.equal(code, 0, stderr);
  const { name, ratio, ours, reference, unit, runs } = JSON.parse(stdout.trimEnd().split('\n').at(-1)!);
  assert.deepEqual({ name, unit, runs }, { name: 'copy', unit: 'rows/s', runs: 2 });
  assert.ok(ours > 0 && reference > 0 && Math.abs(ratio - ours / reference) < 0.001, stdout);
});
