// How long a commit on the source takes to be visible on the target, while 500 transactions of one row commit every second: half
// inserts, half updates of rows that were inserted a second before. One side follows after the other, so that each has the machine
// for itself. The clock of a change runs from the moment at which its writer knows of its commit to the first look, one every
// millisecond, that finds it.
import type { Bench } from './bench.ts';
import { type Figures, inTurns, percentile, rounded } from './figures.ts';
import { type Follower, sending } from './follower.ts';
import { NativeSubscription } from './native.ts';
import { Pgveil } from './ours.ts';
import { assertSame } from './seen.ts';
import { SERVERS, type Servers } from './servers.ts';
import { flow } from './traffic.ts';
import { TABLE } from './workload.ts';

const PER_SECOND = 500;
const SECONDS = 20;

export const latency: Bench = {
  unit: 'ms',
  reference: "Postgres's own subscription with its defaults, into a plain table, nothing redacted",
  place: SERVERS,
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

async function follow(servers: Servers, follower: Follower, count: number): Promise<Figures> {
  await servers.checkpoint();
  await follower.start();
  await sending(servers, follower);
  const { arrivals, transactionsPerSecond } = await flow(servers, follower, { perSecond: PER_SECOND, rows: 1, count });
  await assertSame(servers, follower.database);
  await follower.stop();
  const latencies = arrivals.map(({ latency }) => latency);
  const [p50, p99] = [0.5, 0.99].map((share) => rounded(percentile(latencies, share), 1));
  return { p50: p50!, p99: p99!, transactions_per_second: transactionsPerSecond };
}
