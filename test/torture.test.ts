import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';

const torture = (...args: string[]) =>
  spawnSync(process.execPath, [join(import.meta.dirname, 'torture.ts'), ...args], { encoding: 'utf8' });

test('torture says what it does, and begins nothing', () => {
  const { status, stdout } = torture('--help');
  assert.equal(status, 0);
  for (const said of [
    'tests',
    'rows',
    'faults',
    'seeds',
    'kafka',
    'stops',
    'soak',
    '--only',
    '--from',
    '--majors',
    '--seeds',
    '--minutes',
  ]) {
    assert.match(stdout, new RegExp(`^ +${said} `, 'm'));
  }
  assert.ok(stdout.split('\n').every((line) => line.length <= 140));
});

test('a kind that it does not know is refused with those that it does', () => {
  const { status, stderr } = torture('--only', 'everything');
  assert.deepEqual([status, stderr], [2, '--only is one of tests, rows, faults, seeds, kafka, stops, soak\n']);
});
