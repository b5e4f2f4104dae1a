// One pipeline under a steady load, and a fault again and again; at the end nothing may be lost or there twice, anywhere.
import { setTimeout as sleep } from 'node:timers/promises';
import { percentile, rounded } from '../../bench/figures.ts';
import { type Arrival, Arrivals } from '../support/arrivals.ts';
import { Random } from '../support/random/prng.ts';
import { until } from '../support/wait.ts';
import { type FaultName, schedule, strike } from './faults.ts';
import { Incarnations, type Memory } from './incarnations.ts';
import { Place, SINKS } from './place.ts';
import { Traffic, type Written } from './traffic.ts';
import { type Findings, judge } from './verdict.ts';

export interface SoakOptions {
  readonly minutes: number;
  readonly faultEverySeconds: number;
  readonly changesPerSecond: number;
  readonly seed: number;
  /** Is told how it goes. */
  readonly say: (text: string) => void;
}

export interface Soaked extends Findings {
  readonly seed: number;
  readonly minutes: number;
  readonly written: Written;
  /** From a writer's knowledge of its commit to a look that found it durable, in ms. */
  readonly lag: Readonly<Record<string, Lag>>;
  readonly faults: readonly StruckFault[];
  readonly processes: readonly (Memory | null)[];
}

interface Lag {
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

interface StruckFault {
  readonly name: FaultName;
  /** Since the beginning, in seconds; when it was mended; and after how many more the service was ready, null where the next one struck before. */
  readonly at: number;
  readonly mended: number;
  readonly ready: number | null;
}

const PATIENCE_MS = 5 * 60_000;

export async function soak(options: SoakOptions): Promise<Soaked> {
  const { minutes, faultEverySeconds, changesPerSecond, seed, say } = options;
  const random = new Random(seed);
  await using place = await Place.start({ patience: `${Math.ceil(faultEverySeconds / 12)}s` });
  const { trial } = place;
  const service = await Incarnations.begin(() => trial.run({ configuration: place.configuration, args: ['--json'] }));
  await until(() => service.isReady(), { what: 'the first copy', timeout: PATIENCE_MS });

  const arrivals = new Arrivals(SINKS);
  const looking = new AbortController();
  const looks = arrivals.watch(() => service.status(), looking.signal);
  const traffic = new Traffic(trial.sourceUrl, changesPerSecond, random, (lsn) => arrivals.committed(lsn));
  const faults = await strikeAll(options, random, place, service);
  const written = await traffic.end();
  say(JSON.stringify(written));

  await trial.reconnect();
  await until(() => service.isReady(), { what: 'the service to be ready at the end', timeout: PATIENCE_MS });
  await trial.holdsAll(service.service, PATIENCE_MS);
  looking.abort();
  await looks;
  const findings = await judge(place, service, say);
  const lag = Object.fromEntries(SINKS.map((sink) => [sink, lagOf(arrivals.of(sink))]));
  return { seed, minutes, written, lag, faults, processes: service.memory(), ...findings };
}

/** Resolves when the time is over. */
async function strikeAll(
  { minutes, say, ...options }: SoakOptions,
  random: Random,
  place: Place,
  service: Incarnations,
) {
  const intervalMs = options.faultEverySeconds * 1000;
  const began = performance.now();
  const msUntil = (interval: number) => Math.max(0, began + interval * intervalMs - performance.now());
  const seconds = () => rounded((performance.now() - began) / 1000, 1);
  const outage = { least: intervalMs / 24, most: intervalMs / 3 };
  const intervals = (minutes * 60_000) / intervalMs;
  const faults: StruckFault[] = [];
  for (const [index, name] of schedule(Math.ceil(intervals) - 1, random).entries()) {
    await sleep(msUntil(index + 1));
    const at = seconds();
    await strike(name, { place, service, random, outage });
    const mended = seconds();
    const isReady = await becomesReady(service, msUntil(index + 2));
    faults.push({ name, at, mended, ready: isReady ? rounded(seconds() - mended, 1) : null });
    say(JSON.stringify(faults.at(-1)));
  }
  await sleep(msUntil(intervals));
  return faults;
}

async function becomesReady(service: Incarnations, withinMs: number): Promise<boolean> {
  const deadline = performance.now() + withinMs;
  while (performance.now() < deadline) {
    if (await service.isReady()) return true;
    await sleep(100);
  }
  return false;
}

function lagOf(arrivals: readonly Arrival[]): Lag {
  const latencies = arrivals.map(({ latency }) => latency);
  const [p50, p99, max] = [0.5, 0.99, 1].map((share) => Math.round(percentile(latencies, share)));
  return { p50: p50!, p99: p99!, max: max! };
}
