// Preloaded into pgveil by a test (`--import`): tells PGVEIL_TEST_PROBE how long the event loop was held, in milliseconds of the thread's
// processor time, a line whenever it was longer than ever before. By the clock it would be the machine's other work as well, two servers
// under load among them.
import { appendFileSync } from 'node:fs';

const file = process.env.PGVEIL_TEST_PROBE;
let last: NodeJS.CpuUsage | null = null;
let longest = 0;

/** The first turn comes when all modules are loaded: nothing runs before that could be held up. */
function turn(): void {
  const now = process.threadCpuUsage();
  const held = last ? (now.user - last.user + now.system - last.system) / 1000 : 0;
  last = now;
  if (held <= longest || !file) return;
  longest = held;
  appendFileSync(file, `${Math.round(held)}\n`);
}

setInterval(turn, 5).unref();
