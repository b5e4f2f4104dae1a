import { setTimeout as sleep } from 'node:timers/promises';
import type { Config } from '../../../config/config.ts';
import { PgveilError } from '../../core/errors.ts';
import type { Assembly } from '../assembly.ts';
import { askRunning } from '../running.ts';
import type { Output } from '../show/screen.ts';
import { Signals } from '../signals.ts';
import { readStored } from '../status/report.ts';
import { Follow } from './follow.ts';
import { frame } from './frame.ts';
import { FullScreen } from './full-screen.ts';

const EVERY_MS = 1_000;
/** Databases are asked for what is stored, which takes connections; a process that answers takes none. */
const STORED_EVERY_MS = 10_000;

/** `status --watch`: shows the status until a signal ends it, on a full screen or, with `json`, as a line a second. */
export async function watchStatus(config: Config, assembly: Assembly, output: Output, json: boolean): Promise<number> {
  if (!json && !output.isTTY) {
    const fix = 'Give it a terminal, or add `--json` for a line a second.';
    throw new PgveilError('command_line', '--watch needs a terminal, and there is none', { fix });
  }
  using signals = new Signals(0);
  if (json) await printLines(config, assembly, output, signals.signal);
  else await fillScreen(config, assembly, output, signals.signal);
  return 0;
}

async function printLines(config: Config, assembly: Assembly, output: Output, signal: AbortSignal): Promise<void> {
  await follow(config, assembly, signal, (seen) => {
    const { report, failure, silentSeconds } = seen.view(performance.now());
    const line = {
      ...report,
      running: report?.running === true && silentSeconds === null,
      ...(failure ? { failure } : {}),
    };
    output.write(`${JSON.stringify(line)}\n`);
  });
}

async function fillScreen(config: Config, assembly: Assembly, output: Output, signal: AbortSignal): Promise<void> {
  using screen = new FullScreen(output);
  let last = new Follow();
  const draw = () => screen.draw(frame(last.view(performance.now()), screen.columns, screen.rows));
  output.on?.('resize', draw);
  try {
    await follow(config, assembly, signal, (seen) => {
      last = seen;
      draw();
    });
  } finally {
    output.off?.('resize', draw);
  }
}

/** Looks every second until `signal` aborts, and calls `show` after each look. */
async function follow(
  config: Config,
  assembly: Assembly,
  signal: AbortSignal,
  show: (seen: Follow) => void,
): Promise<void> {
  const seen = new Follow();
  // Whoever ends it does not wait for a database that does not answer.
  const ended = new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()));
  while (!signal.aborted) {
    const began = performance.now();
    await Promise.race([look(config, assembly, seen), ended]);
    if (signal.aborted) return;
    show(seen);
    await sleep(Math.max(0, EVERY_MS - (performance.now() - began)), undefined, { signal }).catch(() => {});
  }
}

async function look(config: Config, assembly: Assembly, seen: Follow): Promise<void> {
  const status = await askRunning(config.http, config.name);
  if (status) seen.answered({ running: true, ...status }, performance.now());
  else if (seen.report?.running) seen.silent();
  else if (seen.isStoredOlderThan(STORED_EVERY_MS, performance.now())) await lookStored(config, assembly, seen);
}

/** Where nothing answers, what was seen before says more. */
async function lookStored(config: Config, assembly: Assembly, seen: Follow): Promise<void> {
  const { report, answers } = await readStored(config, assembly);
  if (answers) seen.stored({ running: false, ...report }, performance.now());
  else seen.failed(report.trouble!, performance.now());
}
