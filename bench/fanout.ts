// What two more sinks cost: the backlog of apply.ts into a twin, a lake in a folder and topics of one broker, beside the same into a
// twin alone. Both are told to end when they have caught up; the clock runs from the moment that the source begins to send to the
// moment that the process has ended, so that everything is durable everywhere.
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FolderStorage } from '../sinks/lake/storage/folder.ts';
import { type KafkaServer, startOwnKafka } from '../test/support/kafka/kafka.ts';
import { topicDifferences } from '../test/support/kafka/topics.ts';
import { lakeDifferences } from '../test/support/lake/lake.ts';
import type { Bench } from './bench.ts';
import { type Figures, inTurns, perSecond } from './figures.ts';
import { sending } from './follower.ts';
import { Pgveil } from './ours.ts';
import { assertSame } from './seen.ts';
import { SERVERS, Servers } from './servers.ts';
import { type Mix, mixOf, TABLE, writeMix } from './workload.ts';

const TABLES = ['public.customers'];

export const fanout: Bench<FanoutPlace> = {
  unit: 'changes/s',
  reference: 'the same changes into the twin alone',
  place: { inWords: `${SERVERS.inWords}; one Kafka broker, a folder`, start: () => FanoutPlace.start() },
  prepare: async () => {},

  async measure(place, scale, run) {
    const mix = mixOf(scale);
    const { servers } = place;
    const name = `fanout_${run}`;
    const sides = {
      ours: new Pgveil(servers, {
        configuration: 'fanout.yaml',
        slot: `pgveil_${name}`,
        environment: { NAME: name, ...place.environment },
      }),
      reference: new Pgveil(servers, { database: 'reference' }),
    };
    await servers.renew('source', 'ours', 'reference');
    await servers.query('source', TABLE);
    await sides.ours.prepare();
    await sides.reference.prepare();
    await writeMix(servers, mix);
    const compared = await inTurns(run, (side) => drain(servers, sides[side], mix));
    await place.assertAllSame(name);
    return compared;
  },

  headline: ({ changes }) => changes!,
};

async function drain(servers: Servers, pgveil: Pgveil, { inserts, updates }: Mix): Promise<Figures> {
  await servers.checkpoint();
  await pgveil.start('--until-caught-up');
  const start = await sending(servers, pgveil);
  await pgveil.ended();
  const took = performance.now() - start;
  await assertSame(servers, pgveil.database);
  return { changes: perSecond(inserts + updates, took) };
}

/** The two Postgres servers, a broker, and a folder for lakes. */
class FanoutPlace implements AsyncDisposable {
  readonly servers: Servers;
  readonly #kafka: KafkaServer;
  readonly #folder: string;

  private constructor(servers: Servers, kafka: KafkaServer, folder: string) {
    this.servers = servers;
    this.#kafka = kafka;
    this.#folder = folder;
  }

  static async start(): Promise<FanoutPlace> {
    await using started = new AsyncDisposableStack();
    const servers = started.use(await Servers.start());
    const kafka = started.use(await startOwnKafka());
    const folder = await mkdtemp(join(tmpdir(), 'pgveil-bench-'));
    started.move();
    return new FanoutPlace(servers, kafka, folder);
  }

  get environment(): Record<string, string> {
    return { LAKE_URL: `file://${this.#folder}`, BROKER: this.#kafka.brokers[0]! };
  }

  /** Lake and topics hold what the twin does, row by row. */
  async assertAllSame(pipeline: string): Promise<void> {
    await using twin = await this.servers.connect('ours');
    const lake = new FolderStorage(join(this.#folder, pipeline));
    assert.deepEqual(await lakeDifferences(lake, twin, TABLES), [], 'the lake does not hold what the twin does');
    const topics = { brokers: this.#kafka.brokers, pipeline };
    assert.deepEqual(await topicDifferences(topics, twin, TABLES), [], 'the topics do not hold what the twin does');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([this.servers[Symbol.asyncDispose](), this.#kafka[Symbol.asyncDispose]()]);
    await rm(this.#folder, { recursive: true, force: true });
  }
}
