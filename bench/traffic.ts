// Transactions at a steady rate into `customers`, and how long each commit takes to be visible to a reader of a follower.
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { until } from '../test/support/wait.ts';
import { perSecond } from './figures.ts';
import { type Follower, visible } from './follower.ts';
import type { Servers } from './servers.ts';
import { INSERT_ROWS, UPDATE_ROWS } from './workload.ts';

/** One connection alone could be kept from the rate by a disk that takes its time to flush a commit. */
const WRITERS = 4;
const PATIENCE_MS = 30 * 60_000;

export interface TrafficOptions {
  /** Transactions a second: half of them insert, the others update what was inserted a second before. */
  readonly perSecond: number;
  /** In each. */
  readonly rows: number;
  /** Transactions in all, or for as long as this is not aborted. */
  readonly count?: number;
  readonly until?: AbortSignal;
}

/** Of one transaction: when its writer knew of its commit, and how long after that a look found it. */
export interface Arrival {
  /** As performance.now() has it. */
  readonly committed: number;
  readonly latency: number;
}

export interface Flow {
  readonly arrivals: readonly Arrival[];
  /** The longest that a writer waited for its commit, in ms. */
  readonly slowest: number;
  /** What was reached. */
  readonly transactionsPerSecond: number;
}

/** Writes at the rate, and watches the follower until all has arrived there. */
export async function flow(servers: Servers, follower: Follower, options: TrafficOptions): Promise<Flow> {
  const traffic = new Traffic(await catchUp(servers, follower), options);
  await using clients = new AsyncDisposableStack();
  const pool = new pg.Pool({ connectionString: servers.url('source'), max: WRITERS });
  const writers = clients.adopt(pool, () => pool.end());
  const reader = clients.use(await servers.connect(follower.database));
  const [reached] = await Promise.all([traffic.write(writers), traffic.watch(reader, follower)]);
  return { arrivals: traffic.arrivals(), slowest: traffic.slowest, transactionsPerSecond: reached };
}

/** Waits until it has applied everything, also what the turn of the other side left; returns the first id that is free. */
async function catchUp(servers: Servers, follower: Follower): Promise<number> {
  const [row] = await servers.query<{ free: number }>(
    'source',
    'SELECT coalesce(max(id), 0)::int + 1 AS free FROM customers',
  );
  await servers.query('source', INSERT_ROWS, [row!.free, 0, 1]);
  await visible(servers, follower, row!.free);
  return row!.free + 1;
}

/** Changes numbered from 0. Each leaves its number in `balance`, so that it can be told from the one before it. */
class Traffic {
  readonly #firstId: number;
  readonly #options: TrafficOptions;
  readonly #committed: number[] = [];
  readonly #seen: number[] = [];
  /** Sent and not seen yet: change by id of its first row. */
  readonly #pending = new Map<number, number>();
  #allSent = false;
  slowest = 0;

  constructor(firstId: number, options: TrafficOptions) {
    this.#firstId = firstId;
    this.#options = options;
  }

  /** Commits all changes at their rate; returns how many there were in a second. */
  async write(writers: pg.Pool): Promise<number> {
    const { count = Number.POSITIVE_INFINITY, perSecond: rate, until: stop } = this.#options;
    const start = performance.now();
    const commits: Promise<void>[] = [];
    for (let change = 0; change < count && !stop?.aborted; change++) {
      const due = start + (change * 1000) / rate;
      while (performance.now() < due) await sleep(1);
      commits.push(this.#commit(writers, change));
    }
    await Promise.all(commits);
    this.#allSent = true;
    return perSecond(commits.length, performance.now() - start);
  }

  async watch(reader: pg.Client, follower: Follower): Promise<void> {
    const looks = async () => {
      while (!this.#allSent || this.#pending.size > 0) {
        follower.assertRunning();
        await Promise.all([this.#look(reader, follower.key), sleep(1)]);
      }
    };
    const what = () => `${follower.database}: ${this.#pending.size} changes to arrive`;
    await until(() => looks().then(() => true), { what, timeout: PATIENCE_MS });
  }

  arrivals(): Arrival[] {
    return this.#committed.map((committed, change) => ({ committed, latency: this.#seen[change]! - committed }));
  }

  async #commit(writers: pg.Pool, change: number): Promise<void> {
    const { perSecond: rate, rows } = this.#options;
    const inserted = change % 2 === 0 || change < rate;
    const id = this.#firstId + rows * (inserted ? change : change - rate - 1);
    this.#pending.set(id, change);
    const [name, text] = inserted ? ['insert', INSERT_ROWS] : ['update', UPDATE_ROWS];
    const began = performance.now();
    await writers.query({ name, text: text!, values: [id, change, rows] } as pg.QueryConfig);
    this.#committed[change] = performance.now();
    this.slowest = Math.max(this.slowest, this.#committed[change]! - began);
  }

  async #look(reader: pg.Client, key: string): Promise<void> {
    if (this.#pending.size === 0) return;
    const text = `SELECT id, balance FROM customers WHERE ${key} = ANY ($1)`;
    const { rows } = await reader.query({ name: 'look', text, values: [[...this.#pending.keys()]] });
    const now = performance.now();
    for (const { id, balance } of rows) {
      const change = Number(balance);
      if (this.#pending.get(Number(id)) !== change) continue;
      this.#seen[change] = now;
      this.#pending.delete(Number(id));
    }
  }
}
