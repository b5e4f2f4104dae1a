import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { Progress } from './progress.ts';

let directory: string;
before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'progress-'));
});
after(() => rm(directory, { recursive: true }));

test('what was finished is known to the next run, on the same state only', () => {
  const file = join(directory, 'not/yet/there.json');
  const first = new Progress(file, 'commit a');
  assert.equal(first.has('seed 1'), false);
  first.add('seed 1');
  first.add('seed 2');
  assert.equal(first.has('seed 1'), true);
  const second = new Progress(file, 'commit a');
  assert.deepEqual(
    ['seed 1', 'seed 2', 'seed 3'].map((step) => second.has(step)),
    [true, true, false],
  );
  const changed = new Progress(file, 'commit b');
  assert.equal(changed.has('seed 1'), false);
  changed.add('seed 3');
  assert.equal(new Progress(file, 'commit a').has('seed 1'), false);
});
