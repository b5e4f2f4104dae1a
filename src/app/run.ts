import type { Config } from '../../config/config.ts';
import type { Observe } from '../core/observer.ts';
import type { Orders } from '../core/redactor.ts';
import { Desk } from '../pipeline/desk.ts';
import { runPipeline } from '../pipeline/pipeline.ts';
import type { Assembly, Check } from './assembly.ts';
import { checkFirst } from './check/first-check.ts';
import { Control, controlPath } from './control.ts';
import { createHttp } from './http.ts';
import { Port } from './port.ts';
import type { Display } from './show/display.ts';
import { Signals } from './signals.ts';
import { Metrics } from './state/metrics.ts';
import { State } from './state/state.ts';
import { WalGuard } from './state/wal-guard.ts';

export interface RunOptions {
  /** Ends once everything committed before the start is durable. */
  readonly untilCaughtUp: boolean;
  /** How long `untilCaughtUp` waits for what is away. */
  readonly timeoutMs: number;
  readonly orders: Orders;
}

/** `pgveil run`: resolves with the exit code; rejects with a PgveilError or with NotReady. */
export async function run(config: Config, assembly: Assembly, display: Display, options: RunOptions): Promise<number> {
  const { name, tables, sinks, source, http } = config;
  const state = new State({ name, slot: source.slot, tables: tables.keys(), sinks: sinks.keys() });
  const metrics = new Metrics(state);
  const tell: Observe = (seen) => {
    state.observe(seen);
    metrics.observe(seen);
    display.observe(seen);
  };
  const guard = new WalGuard(source.walAlarm, tell);
  const observe: Observe = (seen) => {
    tell(seen);
    if (seen.type === 'slot') guard.observe(seen);
    if (seen.type === 'copy slot') guard.observeCopy(seen);
  };
  // Asked to end before it caught up, it did not do what it was asked for first.
  using signals = new Signals(options.untilCaughtUp ? 1 : 0);
  const { signal } = signals;
  signal.addEventListener('abort', () => step(observe, 'asked to end: what is in hand becomes durable'));
  const listening = (port: number) => step(observe, `listening at ${http.host}:${port}`);
  const server = createHttp(state, metrics);
  using port = await Port.open({ server, address: http, name, takenOver: state.takenOver, listening });
  await work(config, assembly, observe, state.takenOver, options, AbortSignal.any([signal, port.refused]));
  port.refused.throwIfAborted();
  if (!options.untilCaughtUp) return 0;
  if (signal.aborted) return 1;
  return state.tablesLeft.length > 0 ? 3 : 0;
}

async function work(
  config: Config,
  assembly: Assembly,
  observe: Observe,
  takenOver: Promise<void>,
  options: RunOptions,
  signal: AbortSignal,
) {
  const patienceMs = options.untilCaughtUp ? options.timeoutMs : null;
  const { orders } = options;
  const checks = accepting(assembly.checks, orders);
  await checkFirst({ checks, patienceMs, hasRun: () => assembly.hasRun() }, observe, signal);
  const parts = { ...assembly.parts(observe), observe };
  const desk = new Desk(orders);
  if (orders.acceptKey)
    step(
      observe,
      '--accept-key: remove it from the command line after this start, as it accepts a mistyped key as well',
    );
  if (orders.acceptSource)
    step(observe, '--accept-source: remove it from the command line after this start, as it accepts any source');
  using _control = new Control(controlPath(config), takenOver, desk, config.tables, observe);
  await runPipeline(parts, { caughtUp: options.untilCaughtUp, patienceMs }, signal, desk);
}

/** What is accepted stands in nobody's way. */
function accepting(checks: readonly Check[], { acceptKey, acceptSource }: Orders): readonly Check[] {
  const accepted = [...(acceptKey ? ['key_changed'] : []), ...(acceptSource ? ['history_changed'] : [])];
  return checks.map(({ needs, findings }) => ({
    needs,
    findings: async () => (await findings()).filter(({ code }) => !accepted.includes(code)),
  }));
}

function step(observe: Observe, message: string): void {
  observe({ type: 'step', message });
}
