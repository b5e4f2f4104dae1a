// Whoever looks after a lake runs on the machine of the service, or on a small one of its own: it takes no more memory than the sink may.
// The operating system counts for us (VmHWM), which is why this runs on Linux alone.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';

const MOST = 400_000_000;
const skip = process.platform === 'linux' ? false : 'there is no /proc to count memory by';

test('a lake is verified, compacted, folded and compared within 400 MB', { skip }, async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'pgveil-memory-'));
  t.after(() => rm(folder, { recursive: true }));
  const program = join(import.meta.dirname, 'memory-carer.ts');
  const run = async (step: string) =>
    Number((await promisify(execFile)(process.execPath, [program, step, folder])).stdout);
  await run('write');
  for (const step of ['compare', 'verify', 'compact', 'compact --latest']) {
    const bytes = await run(step);
    t.diagnostic(`${step}: ${Math.round(bytes / 1e6)} MB`);
    assert.ok(bytes < MOST, `${step}: ${Math.round(bytes / 1e6)} MB`);
  }
});
