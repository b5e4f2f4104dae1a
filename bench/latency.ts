// How long a commit on the source takes to be visible on the target, while 500 transactions of one row commit every second: half
// inserts, half updates of rows that were inserted a second before. One side follows after the other, so that each has the machine
// for itself. The clock of a change runs from the moment at which its writer knows of its commit to the first look, one every
// millisecond, that finds it.
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { until } from '../test/support/wait.ts';
import type { Bench } from './bench.ts';
import { type Figures, inTurns, percentile, perSecond, rounded } from './figures.ts';
import { type Follower, sending, visible } from './follower.ts';
import { NativeSubscription } from './native.ts';
import { Pgveil } from './ours.ts';
import { assertSame } from './seen.ts';
import type { Servers } from './servers.ts';
import { INSERT_ROW, TABLE, UPDATE_ROW } from './workload.ts';

const PER_SECOND = 500;
const SECONDS = 20;
/** One connection alone could be kept from the rate by a disk that takes its time to flush a commit. */
const WRITERS = 4;

export const latency: Bench = {
  unit: 'ms',
  reference: "Postgres's own subscription with its defaults, into a plain table, nothing redacted",
  prepare: async () => {},

  async measure(servers, scale, run) {
    const sides = { ours: new Pgveil(servers), reference: new NativeSubscription(servers) };
    await servers.renew('source', 'ours', 'reference');
    await servers.query('source', TABLE);
    await sides.ours.prepare();
    await sides.reference.prepare();
    const changes = Math.ceil(PER_SECOND * SECONDS * scale);
    return await inTurns(run, (side) => follow(servers, sides[side], changes));
  },

  headline: ({ p50, p99 }) => ({ p50: p50!, p99: p99! }),
};

async function follow(servers: Servers, follower: Follower, changes: number): Promise<Figures> {
  await servers.checkpoint();
  await follower.start();
  await sending(servers, follower);
  const traffic = new Traffic(await catchUp(servers, follower), changes);
  await using clients = new AsyncDisposableStack();
  const writers = clients.adopt(openWriters(servers), (pool) => pool.end());
  const reader = clients.use(await servers.connect(follower.database));
  const [perSecondReached] = await Promise.all([traffic.write(writers), traffic.watch(reader, follower)]);
  await assertSame(servers, follower.database);
  await follower.stop();
  const [p50, p99] = [0.5, 0.99].map((share) => rounded(percentile(traffic.latencies(), share), 1));
  return { p50: p50!, p99: p99!, transactions_per_second: perSecondReached };
}

function openWriters(servers: Servers): pg.Pool {
  return new pg.Pool({ connectionString: servers.url('source'), max: WRITERS });
}

/** Waits until it has applied everything, also what the turn of the other side left; returns the first id that is free. */
async function catchUp(servers: Servers, follower: Follower): Promise<number> {
  const [row] = await servers.query<{ free: number }>(
    'source',
    'SELECT coalesce(max(id), 0)::int + 1 AS free FROM customers',
  );
  await servers.query('source', INSERT_ROW, [row!.free, 0]);
  await visible(servers, follower, row!.free);
  return row!.free + 1;
}

/** Changes numbered from 0. Each leaves its number in `balance`, so that it can be told from the one before it. */
class Traffic {
  readonly #firstId: number;
  readonly #count: number;
  readonly #committed: Float64Array;
  readonly #seen: Float64Array;
  /** Sent and not seen yet: change by id of the row. */
  readonly #pending = new Map<number, number>();
  #allSent = false;

  constructor(firstId: number, count: number) {
    this.#firstId = firstId;
    this.#count = count;
    this.#committed = new Float64Array(count);
    this.#seen = new Float64Array(count);
  }

  /** Commits all changes at their rate; returns how many there were in a second. */
  async write(writers: pg.Pool): Promise<number> {
    const start = performance.now();
    const commits: Promise<void>[] = [];
    for (let change = 0; change < this.#count; change++) {
      const due = start + (change * 1000) / PER_SECOND;
      while (performance.now() < due) await sleep(1);
      commits.push(this.#commit(writers, change));
    }
    await Promise.all(commits);
    this.#allSent = true;
    return perSecond(this.#count, performance.now() - start);
  }

  async watch(reader: pg.Client, follower: Follower): Promise<void> {
    const looks = async () => {
      while (!this.#allSent || this.#pending.size > 0) {
        follower.assertRunning();
        await Promise.all([this.#look(reader, follower.key), sleep(1)]);
      }
    };
    const what = () => `${follower.database}: ${this.#pending.size} changes to arrive`;
    await until(() => looks().then(() => true), { what, timeout: this.#count * (1000 / PER_SECOND) + 60_000 });
  }

  latencies(): number[] {
    return Array.from(this.#seen, (seen, change) => seen - this.#committed[change]!);
  }

  async #commit(writers: pg.Pool, change: number): Promise<void> {
    const inserted = change % 2 === 0 || change < PER_SECOND;
    const id = this.#firstId + (inserted ? change : change - PER_SECOND - 1);
    this.#pending.set(id, change);
    const [name, text] = inserted ? ['insert', INSERT_ROW] : ['update', UPDATE_ROW];
    await writers.query({ name, text: text!, values: [id, change] } as pg.QueryConfig);
    this.#committed[change] = performance.now();
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
