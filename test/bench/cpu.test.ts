import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cpuPer, cpuTimes } from '../../bench/cpu.ts';

test('the time of a process is what it says itself', { skip: process.platform !== 'linux' && 'no /proc' }, async () => {
  for (const end = performance.now() + 100; performance.now() < end; );
  const own = process.cpuUsage();
  const times = await cpuTimes({ own: [process.pid] });
  assert.ok(Math.abs(times!.own! - own.user - own.system) < 50_000, `${times!.own} and ${own.user + own.system}`);
});

test('there are no times of a process that is gone', async () => {
  assert.equal(await cpuTimes({ gone: [2 ** 22 + 1] }), null);
  assert.equal(cpuPer(10, null, { process: 5 }), null);
});

test('what was used is counted for each piece of work', () => {
  assert.deepEqual(cpuPer(10, { process: 1_000, worker: 0 }, { process: 3_000, worker: 55 }), {
    process: 200,
    worker: 5.5,
  });
});
