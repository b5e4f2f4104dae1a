// Preloaded into pgveil by a test (`--import`): tells PGVEIL_TEST_PROBE how long the event loop was held, in milliseconds that the thread
// worked, a line whenever it was longer than ever before. By the clock it would be the machine's other work as well, two servers under load
// among them; with the kernel's time it would be what the machine's memory costs at its first touch: for the same 300 MB 120 ms, or 600
// where a virtual machine has yet to get it from its host. Who takes more memory than before is told by the bound on that.
import { appendFileSync } from 'node:fs';

const file = process.env.PGVEIL_TEST_PROBE;
let last: number | null = null;
let longest = 0;

/** The first turn comes when all modules are loaded: nothing runs before that could be held up. */
function turn(): void {
  const now = process.threadCpuUsage().user / 1000;
  const held = last === null ? 0 : now - last;
  last = now;
  if (held <= longest || !file) return;
  longest = held;
  appendFileSync(file, `${Math.round(held)}\n`);
}

setInterval(turn, 5).unref();
