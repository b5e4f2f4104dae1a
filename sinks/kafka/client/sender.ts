import type { Broker } from '@platformatic/kafka';
import { PgveilError } from '../../../src/core/errors.ts';
import type { Cluster } from './cluster.ts';
import { type EncodedBatch, place, produce } from './produce-request.ts';
import type { Compression, ProducerId, RecordBatch } from './record-batch.ts';
import { troubleOf } from './trouble.ts';

/** Of one request, beyond the first batch in it. */
const REQUEST_BYTES = 4 * 1024 * 1024;
/** Between two tries at a partition whose leader is unknown or does not take records now. */
const RETRY_MS = 50;
/** Sequence numbers begin anew behind this. */
const SEQUENCES = 2 ** 31;

/** What passes by itself; the very same bytes are sent again, so nothing can be there twice. */
const PASSING: readonly string[] = [
  'NETWORK',
  'NOT_LEADER_OR_FOLLOWER',
  'LEADER_NOT_AVAILABLE',
  'UNKNOWN_TOPIC_OR_PARTITION',
  'FENCED_LEADER_EPOCH',
  'UNKNOWN_LEADER_EPOCH',
  'NOT_ENOUGH_REPLICAS',
  'NOT_ENOUGH_REPLICAS_AFTER_APPEND',
  'REQUEST_TIMED_OUT',
  'NETWORK_EXCEPTION',
  'KAFKA_STORAGE_ERROR',
];
const DONE: readonly string[] = ['NONE', 'DUPLICATE_SEQUENCE_NUMBER'];

interface Lane {
  readonly topic: string;
  readonly partition: number;
  readonly queue: RecordBatch[];
  /** Of the next record that has no number yet. */
  sequence: number;
  /** On its way; encoded once. */
  sent: EncodedBatch | null;
  isInFlight: boolean;
  failingSince: number | null;
}

/**
 * Sends a producer's batches to whoever leads their partitions, one at a time for each partition: so a try that failed is repeated before
 * anything behind it, and sequence numbers have no gap.
 */
export class Sender {
  readonly #cluster: Cluster;
  readonly #transactionalId: string;
  readonly #producer: ProducerId;
  readonly #compression: Compression;
  readonly #lanes = new Map<string, Lane>();
  #unsent = 0;
  #inFlight = 0;
  #failure: unknown = null;
  #changed = Promise.withResolvers<void>();

  constructor(cluster: Cluster, transactionalId: string, producer: ProducerId, compression: Compression) {
    this.#cluster = cluster;
    this.#transactionalId = transactionalId;
    this.#producer = producer;
    this.#compression = compression;
  }

  push(topic: string, partition: number, batch: RecordBatch): void {
    let lane = this.#lanes.get(place(topic, partition));
    if (!lane) {
      lane = { topic, partition, queue: [], sequence: 0, sent: null, isInFlight: false, failingSince: null };
      this.#lanes.set(place(topic, partition), lane);
    }
    lane.queue.push(batch);
    this.#unsent += batch.bytes;
    batch.pack(this.#compression).then(
      () => this.#pump(),
      (error) => this.#end(error),
    );
  }

  /** Resolves once no more than `bytes` wait for an answer. Rejects with what a broker refused. */
  async below(bytes: number): Promise<void> {
    while (!this.#failure && this.#unsent > bytes) await this.#changed.promise;
    if (this.#failure) throw this.#failure;
  }

  /** Sends nothing more, and resolves once no request is under way. Sequence numbers may have a gap then: it is of no use any more. */
  async drop(): Promise<void> {
    this.#failure ??= new PgveilError('kafka_away', 'given up');
    while (this.#inFlight > 0) await this.#changed.promise;
  }

  #pump(): void {
    if (this.#failure) return;
    const requests = new Map<Broker, Lane[]>();
    for (const lane of this.#lanes.values()) {
      if (lane.isInFlight || !lane.queue[0]?.isPacked) continue;
      lane.isInFlight = true;
      const leader = this.#cluster.leader(lane.topic, lane.partition);
      if (!leader) void this.#retry([lane], 'LEADER_NOT_AVAILABLE');
      else requests.set(leader, [...(requests.get(leader) ?? []), lane]);
    }
    for (const [leader, lanes] of requests) for (const group of groupsOf(lanes)) void this.#send(leader, group);
  }

  async #send(leader: Broker, lanes: readonly Lane[]): Promise<void> {
    this.#inFlight++;
    const codes = await produce(
      this.#cluster,
      leader,
      this.#transactionalId,
      lanes.map((lane) => this.#encoded(lane)),
    );
    this.#inFlight--;
    for (const [index, lane] of lanes.entries()) this.#answered(lane, codes[index]!);
    this.#pump();
    this.#wake();
  }

  #encoded(lane: Lane): EncodedBatch {
    if (!lane.sent) {
      const { topic, partition, sequence } = lane;
      const bytes = lane.queue[0]!.encode(this.#producer, sequence);
      lane.sent = { topic, partition, bytes };
    }
    return lane.sent;
  }

  #answered(lane: Lane, code: string): void {
    if (DONE.includes(code)) {
      const batch = lane.queue.shift()!;
      this.#unsent -= batch.bytes;
      lane.sequence = (lane.sequence + batch.count) % SEQUENCES;
      lane.sent = null;
      lane.failingSince = null;
      lane.isInFlight = false;
    } else if (PASSING.includes(code) && !this.#failure) void this.#retry([lane], code);
    else this.#fail(code);
  }

  /** Looks who leads the partitions now, and lets them go on. */
  async #retry(lanes: readonly Lane[], code: string): Promise<void> {
    const now = performance.now();
    for (const lane of lanes) lane.failingSince ??= now;
    if (lanes.some(({ failingSince }) => now - failingSince! > this.#cluster.patienceMs)) return this.#fail(code);
    try {
      await this.#cluster.pause(RETRY_MS);
      for (const { topic } of lanes) await this.#cluster.refresh(topic).catch(() => {}); // away as well: that is told here, or by the next try
      if (this.#cluster.isSilent) return this.#fail('NETWORK');
    } catch {
      return this.#fail('NETWORK'); // it was closed
    }
    for (const lane of lanes) lane.isInFlight = false;
    this.#pump();
  }

  #fail(code: string): void {
    this.#end(troubleOf(code));
  }

  #end(failure: unknown): void {
    this.#failure ??= failure;
    this.#wake();
  }

  #wake(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers<void>();
  }
}

/** What goes into one request each. */
function* groupsOf(lanes: readonly Lane[]): Iterable<readonly Lane[]> {
  let group: Lane[] = [];
  let bytes = 0;
  for (const lane of lanes) {
    group.push(lane);
    bytes += lane.queue[0]!.bytes;
    if (bytes < REQUEST_BYTES) continue;
    yield group;
    group = [];
    bytes = 0;
  }
  if (group.length > 0) yield group;
}
