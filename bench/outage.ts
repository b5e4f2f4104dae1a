// What two sinks notice of the third one's absence: its server is down for ten minutes (at scale 1) while 1,000 changes a second are
// committed, and comes back. Of each commit the clock runs from the moment at which its writer knows of it to the first look, one every
// 50 ms, at which a sink's position says that it is durable there. The reference is the same traffic before.
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { Incarnations } from '../test/soak/incarnations.ts';
import { Place, SINKS } from '../test/soak/place.ts';
import { Traffic } from '../test/soak/traffic.ts';
import { Arrivals } from '../test/support/arrivals.ts';
import { Random } from '../test/support/random/prng.ts';
import type { Status } from '../test/support/trial/service.ts';
import { until } from '../test/support/wait.ts';
import type { Bench } from './bench.ts';
import { type Figures, percentile, rounded } from './figures.ts';

type Sink = (typeof SINKS)[number];

const CHANGES_PER_SECOND = 1_000;
const AWAY_MS = 10 * 60_000;
/** A process that just started is not what the outage is compared with. */
const WARM_UP_MS = 20_000;
const BEFORE_MS = 30_000;
/** What was committed so long before the sink is with the others again, or after, belongs to its rejoining. */
const REJOIN_MS = 5_000;
const AFTER_MS = 20_000;
const PATIENCE_MS = 60 * 60_000;

export const outages = {
  'outage-kafka': outage('topics'),
  'outage-lake': outage('lake'),
  'outage-twin': outage('twin'),
};

function outage(sink: Sink): Bench<AsyncDisposableStack> {
  return {
    unit: 'ms',
    reference: 'the same traffic into the same sinks, before',
    place: {
      inWords: 'Postgres 18 as source and as twin, versitygw as S3, one Kafka broker; the lake commits twice a second',
      start: async () => new AsyncDisposableStack(), // each run has servers of its own
    },
    prepare: async () => {},
    runs: 1,

    async measure(_, scale) {
      await using place = await Place.start({ patience: '10s' });
      const { trial } = place;
      const service = await Incarnations.begin(() => trial.run({ args: ['--json'] }));
      await until(() => service.isReady(), { what: 'the first copy', timeout: PATIENCE_MS });
      const figures = await withTraffic(place, service, sink, AWAY_MS * scale);
      await trial.holdsAll(service.service, PATIENCE_MS);
      const { code, stdout } = await trial.command(['verify', '--json'], PATIENCE_MS);
      assert.equal(code, 0, `a sink does not hold what it should: ${stdout}`);
      await service.end();
      assert.deepEqual(service.crashes, []);
      return figures;
    },

    headline: ({ away }) => away as Figures,
  };
}

async function withTraffic(place: Place, service: Incarnations, sink: Sink, awayMs: number) {
  const others = SINKS.filter((name) => name !== sink);
  const arrivals = new Arrivals(SINKS);
  const looking = new AbortController();
  let retained = 0;
  const look = async () => {
    const status = await service.status();
    if (status) retained = Math.max(retained, retainedBy(status, sink));
    return status;
  };
  const looks = arrivals.watch(look, looking.signal);
  const started = (lsn: string) => arrivals.committed(lsn);
  const traffic = new Traffic(place.trial.sourceUrl, CHANGES_PER_SECOND, new Random(1), started);
  await sleep(WARM_UP_MS);
  const warm = performance.now();
  await sleep(BEFORE_MS);
  const down = performance.now();
  const server = serverOf(place, sink);
  await server.stop();
  await sleep(awayMs);
  await server.start();
  const back = performance.now();
  await until(async () => (await service.isReady()) && (await service.status())?.sinks[sink]?.state === 'live', {
    what: `${sink} to be with the others again`,
    timeout: PATIENCE_MS,
  });
  const live = performance.now();
  await sleep(AFTER_MS);
  const { perSecond } = await traffic.end();
  await until(() => SINKS.every((name) => arrivals.pending(name) === 0), { what: 'all commits', timeout: PATIENCE_MS });
  looking.abort();
  await looks;
  const between = (from: number, to: number) => lagsOf(arrivals, others, from, to);
  return {
    ours: {
      away: between(down, back),
      catching_up: between(back, live - REJOIN_MS),
      rejoining: between(live - REJOIN_MS, live + REJOIN_MS),
      seconds_until_live: rounded((live - back) / 1000, 1),
      retained_wal_mb: rounded(retained / 1e6, 0),
      changes_per_second: perSecond,
    },
    reference: { away: between(warm, down) },
  };
}

/** By its own slot, where it has one. */
function retainedBy({ slot, sinks }: Status, sink: Sink): number {
  return sinks[sink]?.slot?.retained_bytes ?? slot.retained_bytes ?? 0;
}

/** Of what was committed in this time; null where nothing was. */
function lagsOf(arrivals: Arrivals, sinks: readonly Sink[], from: number, to: number): Figures {
  const lags = sinks.map((sink) => {
    const during = arrivals.of(sink).filter(({ committed }) => committed >= from && committed < to);
    const latencies = during.map(({ latency }) => latency);
    const at = (share: number) => (latencies.length > 0 ? rounded(percentile(latencies, share), 0) : null);
    return [sink, { p50: at(0.5), p99: at(0.99), max: at(1) }] as const;
  });
  return Object.fromEntries(lags);
}

/** Its end is the end of its machine: nobody is told. */
function serverOf({ servers, s3, kafka }: Place, sink: Sink) {
  const broker = kafka.node(1);
  const bySink = {
    twin: { stop: () => servers.twin.stop('immediate'), start: () => servers.twin.start() },
    lake: s3,
    topics: { stop: () => broker.signal('SIGKILL'), start: () => broker.start() },
  };
  return bySink[sink];
}
