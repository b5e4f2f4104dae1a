import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { ownSlotName } from '../../../connectors/postgres/slot/own-slots.ts';
import { checkpointTopicOf, readCheckpoint } from '../../../sinks/kafka/checkpoint-topic.ts';
import { Cluster } from '../../../sinks/kafka/client/cluster.ts';
import { allSeen } from '../../../sinks/kafka/client/committed.ts';
import { storedCheckpoint } from '../../../sinks/lake/claim.ts';
import type { Storage } from '../../../sinks/lake/storage/storage.ts';
import { plainConnection } from '../../sinks/kafka/parts.ts';
import type { Peers } from './peers.ts';
import { lsn, type Trial } from './trial.ts';

const EVERY_MS = 500;

/** Where a sink stands durably, asked of its server without the proxy; null where it holds nothing yet. */
type Ask = () => Promise<bigint | null>;

/** Looks again and again whether a slot has let go of what the sink that reads from it does not hold durably. */
export class SlotWatch implements AsyncDisposable {
  readonly #peers: Peers;
  readonly #trial: Trial;
  readonly #sinks: Readonly<Record<string, Ask>>;
  readonly #done: Promise<void>;
  readonly #looks: Record<string, number> = {};
  readonly #ahead: string[] = [];
  #isStopped = false;

  constructor(peers: Peers, trial: Trial, lake: Storage) {
    this.#peers = peers;
    this.#trial = trial;
    this.#sinks = {
      twin: () => positionInTwin(peers, trial),
      lake: async () => (await storedCheckpoint(lake))?.position?.pos ?? null,
      topics: () => positionInKafka(peers, trial),
    };
    this.#done = this.#run();
  }

  /** Fails where a slot was ahead, or where a sink never could be asked. */
  async assertNeverAhead(): Promise<void> {
    await this[Symbol.asyncDispose]();
    await this.#look();
    assert.deepEqual(this.#ahead, []);
    assert.deepEqual(Object.keys(this.#looks).sort(), Object.keys(this.#sinks).sort());
  }

  /** A test that fails leaves nobody behind who looks, which would keep its process alive. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#isStopped = true;
    await this.#done;
  }

  async #run(): Promise<void> {
    while (!this.#isStopped) {
      await this.#look().catch(() => {}); // The source is away.
      await sleep(EVERY_MS);
    }
  }

  /** The slots first: until a sink answers it can only have moved on. */
  async #look(): Promise<void> {
    const { slot } = this.#trial;
    const sql = 'SELECT slot_name AS name, confirmed_flush_lsn AS lsn FROM pg_replication_slots WHERE NOT temporary';
    const rows = await this.#peers.servers.source.query<{ name: string; lsn: string | null }>(sql);
    const confirmed = new Map(rows.map(({ name, lsn: text }) => [name, text && lsn(text)]));
    const compare = async ([sink, ask]: [string, Ask]) => {
      const kept = confirmed.get(ownSlotName(slot, sink)) ?? confirmed.get(slot);
      const position = await ask().catch(() => null); // its server is away
      if (typeof kept !== 'bigint' || position === null) return;
      this.#looks[sink] = (this.#looks[sink] ?? 0) + 1;
      if (kept > position) this.#ahead.push(`${sink} holds all up to ${position}, and ${kept} was confirmed`);
    };
    await Promise.all(Object.entries(this.#sinks).map(compare));
  }
}

async function positionInTwin({ servers }: Peers, { name }: Trial): Promise<bigint | null> {
  const [row] = await servers.twin.query('SELECT pos FROM pgveil.checkpoint', { database: name });
  return row?.pos ? lsn(row.pos) : null;
}

async function positionInKafka({ kafka }: Peers, { name }: Trial): Promise<bigint | null> {
  const cluster = new Cluster(plainConnection(kafka.brokers));
  const topic = checkpointTopicOf(name);
  try {
    await cluster.refresh(topic);
    await allSeen(cluster, topic, 0);
    return (await readCheckpoint(cluster, topic)).position?.pos ?? null;
  } finally {
    await cluster.close();
  }
}
