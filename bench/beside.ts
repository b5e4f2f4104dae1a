// What a table notices of another one's copy: 500 transactions of four rows a second into `customers` while `archive`, 5,000,000
// rows, is copied anew, and an application that wants to lock `archive` every ten seconds. The reference is the same traffic with no
// copy beside it.
import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Bench } from './bench.ts';
import { type Figures, percentile, perSecond, rounded } from './figures.ts';
import { Pgveil } from './ours.ts';
import { nextCopy } from './recopy.ts';
import { assertSame } from './seen.ts';
import { SERVERS, type Servers } from './servers.ts';
import { type Arrival, type Flow, flow } from './traffic.ts';
import { fillArchive, TABLE } from './workload.ts';

const ROWS = 5_000_000;
const TRAFFIC = { perSecond: 500, rows: 4 };
/** Of the traffic before the copy begins, and the least of it beside the copy. */
const SECONDS = 10;
const LOCK_EVERY_MS = 10_000;
const MEMORY_EVERY_MS = 100;
/** What is seen so long before the new copy stands behind its table, and no later, belongs to the hand-over. */
const HAND_OVER_MS = 2000;

export const beside: Bench = {
  unit: 'ms',
  reference: 'the same traffic, with no copy beside it',
  place: SERVERS,

  async prepare(servers, scale) {
    await servers.renew('source');
    await fillArchive(servers, Math.ceil(ROWS * scale));
    await servers.query('source', TABLE);
  },

  async measure(servers, scale) {
    await servers.renew('ours');
    const pgveil = new Pgveil(servers, { configuration: 'beside.yaml' });
    await pgveil.start();
    await pgveil.streams();
    await servers.checkpoint();
    const count = TRAFFIC.perSecond * SECONDS;
    const before = await flow(servers, pgveil, { ...TRAFFIC, count });
    const ours = await copyBeside(servers, pgveil, Math.ceil(ROWS * scale));
    await assertSame(servers, 'ours');
    await pgveil.stop();
    return { ours, reference: figuresOf(before, before.arrivals) };
  },

  headline: ({ p50, p99 }) => ({ p50: p50!, p99: p99! }),
};

async function copyBeside(servers: Servers, pgveil: Pgveil, rows: number): Promise<Figures> {
  const stop = new AbortController();
  const memory = watchMemory(pgveil.pid, stop.signal);
  const locks = lockAgainAndAgain(servers, stop.signal);
  const flowing = flow(servers, pgveil, { ...TRAFFIC, until: stop.signal });
  flowing.catch(() => {}); // it is awaited below, unless the copy failed before
  const took = await nextCopy(servers, pgveil, 'archive').finally(() => stop.abort());
  const ended = performance.now();
  const traffic = await flowing;
  const isHandOver = ({ committed }: Arrival) => committed > ended - HAND_OVER_MS;
  const isCopy = (arrival: Arrival) => arrival.committed > ended - took && !isHandOver(arrival);
  const during = traffic.arrivals.filter(isCopy);
  return {
    ...figuresOf(traffic, during),
    at_hand_over: longest(traffic.arrivals.filter(isHandOver)),
    copied_rows_per_second: perSecond(rows, took),
    longest_lock_wait: rounded(await locks, 1),
    memory_mb: await memory,
  };
}

function figuresOf({ slowest, transactionsPerSecond }: Flow, arrivals: readonly Arrival[]): Figures {
  const latencies = arrivals.map(({ latency }) => latency);
  return {
    p50: rounded(percentile(latencies, 0.5), 1),
    p99: rounded(percentile(latencies, 0.99), 1),
    max: longest(arrivals),
    slowest_commit: rounded(slowest, 1),
    rows_per_second: transactionsPerSecond * TRAFFIC.rows,
  };
}

const longest = (arrivals: readonly Arrival[]) => rounded(Math.max(...arrivals.map(({ latency }) => latency)), 1);

/** As DDL would, without doing any: returns in ms how long it had to wait at most. */
async function lockAgainAndAgain(servers: Servers, stop: AbortSignal): Promise<number> {
  await using client = await servers.connect('source');
  let longest = 0;
  while (!stop.aborted) {
    await sleep(LOCK_EVERY_MS, undefined, { signal: stop }).catch(() => {});
    const began = performance.now();
    await client.query('BEGIN; LOCK TABLE archive IN ACCESS EXCLUSIVE MODE; ROLLBACK');
    longest = Math.max(longest, performance.now() - began);
  }
  return longest;
}

/** Resident memory at the beginning, at most, and the median of the last quarter of the time. */
async function watchMemory(pid: number, stop: AbortSignal): Promise<Figures | null> {
  const seen: number[] = [];
  while (!stop.aborted) {
    const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
    const resident = /VmRSS:\s+(\d+) kB/.exec(status)?.[1];
    if (resident === undefined) return null;
    seen.push(Number(resident) / 1024);
    await sleep(MEMORY_EVERY_MS);
  }
  const last = seen.slice(Math.floor(seen.length * 0.75));
  return { first: rounded(seen[0]!, 0), most: rounded(Math.max(...seen), 0), last: rounded(percentile(last, 0.5), 0) };
}
