// Whatever a lake is written with, it takes no more memory than the whole process may: node, DuckDB and all. The operating system counts
// for us (VmHWM), which is why this runs on Linux alone.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';

const MOST = 400_000_000;
const skip = process.platform === 'linux' ? false : 'there is no /proc to count memory by';

for (const kind of ['many tables', 'many rows', 'wide rows', 'large values']) {
  test(`${kind} are written within 400 MB`, { skip }, async () => {
    const folder = await mkdtemp(join(tmpdir(), 'pgveil-memory-'));
    const program = join(import.meta.dirname, 'memory-writer.ts');
    const { stdout } = await promisify(execFile)(process.execPath, [program, kind, folder]);
    await rm(folder, { recursive: true });
    assert.ok(Number(stdout) < MOST, `${Math.round(Number(stdout) / 1e6)} MB`);
  });
}
