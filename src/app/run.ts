import type { Server } from 'node:http';
import type { Config } from '../../config/config.ts';
import type { Observe } from '../core/observer.ts';
import { runPipeline } from '../pipeline/pipeline.ts';
import type { Assembly } from './assembly.ts';
import type { Display } from './display.ts';
import { checkFirst } from './first-check.ts';
import { createHttp } from './http.ts';
import { Metrics } from './metrics.ts';
import { bindAfter, bindNow } from './port.ts';
import { Signals } from './signals.ts';
import { State } from './state.ts';

export interface RunOptions {
  /** Ends once everything committed before the start is durable. */
  readonly untilCaughtUp: boolean;
  /** How long `untilCaughtUp` waits for what is away. */
  readonly timeoutMs: number;
}

/** `pgveil run`: resolves with the exit code; rejects with a PgveilError or with NotReady. */
export async function run(config: Config, assembly: Assembly, display: Display, options: RunOptions): Promise<number> {
  const { name, tables, sink, source } = config;
  const state = new State({ name, slot: source.slot, tables: tables.keys(), sinks: [sink.name] });
  const metrics = new Metrics(state);
  const observe: Observe = (seen) => {
    state.observe(seen);
    metrics.observe(seen);
    display.observe(seen);
  };
  // Asked to end before it caught up, it did not do what it was asked for first.
  using signals = new Signals(options.untilCaughtUp ? 1 : 0);
  const server = createHttp(state, metrics);
  try {
    await whileListening(server, config, state, signals.signal, (signal) =>
      work(config, assembly, observe, options, signal),
    );
  } finally {
    server.close();
    server.closeAllConnections();
  }
  if (!options.untilCaughtUp) return 0;
  if (signals.signal.aborted) return 1;
  return state.haltedTables.length > 0 ? 3 : 0;
}

async function work(config: Config, assembly: Assembly, observe: Observe, options: RunOptions, signal: AbortSignal) {
  const patienceMs = options.untilCaughtUp ? options.timeoutMs : null;
  await checkFirst(assembly.checks, patienceMs, observe, signal);
  const parts = { ...assembly.parts(observe), observe, memory: config.memory };
  await runPipeline(parts, { caughtUp: options.untilCaughtUp, patienceMs }, signal);
}

/** Does `task` with the port bound: from now on where it is free, otherwise from the take-over on. No port, no pipeline. */
async function whileListening(
  server: Server,
  { http, name }: Config,
  state: State,
  signal: AbortSignal,
  task: (signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const failed = new AbortController();
  if (!(await bindNow(server, http, name))) {
    bindAfter(state.takenOver, server, http).catch((error) => failed.abort(error));
  }
  await task(AbortSignal.any([signal, failed.signal]));
  failed.signal.throwIfAborted();
}
