import { CHECKPOINT_FORMAT, type Checkpoint, type Position, type TableEntry } from '../../src/core/checkpoint.ts';
import { entryFromJson, entryToJson } from '../../src/core/entry-json.ts';
import { PgveilError } from '../../src/core/errors.ts';
import { formatLsn, type Lsn, parseLsn } from '../../src/core/lsn.ts';
import { positionOf, type StoredPosition, storedPosition } from '../../src/core/position-json.ts';
import { assertForm, isInteger, isNullOr, isObjectOf, isText, readStored } from '../../src/core/stored.ts';
import type { Cluster } from './client/cluster.ts';
import { type CommittedRecord, readCommitted } from './client/committed.ts';
import type { Bytes } from './client/record-batch.ts';
import type { KafkaTransaction } from './client/transaction.ts';
import { NO_HEADERS } from './format/headers.ts';
import { configCommand, type Topics } from './topics/topics.ts';

const PARTITION = 0;

/** Compacted soon and often: a start reads all of it. */
const CONFIGS = {
  'cleanup.policy': 'compact',
  'segment.bytes': String(1024 * 1024),
  'segment.ms': String(10 * 60_000),
  'min.cleanable.dirty.ratio': '0.1',
};

/** How far into a source transaction that is committed in parts. */
export interface Progress {
  readonly clsn: Lsn;
  readonly seq: number;
}

/** Whether `a` comes after `b` in the stream. */
export function isBehind(a: Progress, b: Progress): boolean {
  return a.clsn === b.clsn ? a.seq > b.seq : a.clsn > b.clsn;
}

/** What a commit makes durable beside its rows. */
export interface Mark {
  /** Null: it stays as it is. */
  readonly position: Position | null;
  readonly progress: Progress | null;
  readonly entries: ReadonlyMap<string, TableEntry>;
}

export interface Stored extends Checkpoint {
  /** Behind the position: all up to here is there, too. */
  readonly progress: Progress | null;
  /** How many transactional ids chunks of copies ever had. */
  readonly copiers: number;
  /** That we made: the id of each by its name. One that somebody else made since has another id. */
  readonly made: ReadonlyMap<string, string>;
}

interface StoredMark {
  readonly format: number;
  readonly position: StoredPosition;
  readonly progress: { readonly clsn: string; readonly seq: number } | null;
}

/** A pipeline's checkpoint: a topic of its own, one record for the position and one for each table, the last of each key counts. */
export class CheckpointTopic {
  readonly #cluster: Cluster;
  readonly #topic: string;

  private constructor(cluster: Cluster, topic: string) {
    this.#cluster = cluster;
    this.#topic = topic;
  }

  static async open(cluster: Cluster, topics: Topics, pipeline: string, replicas: number): Promise<CheckpointTopic> {
    const name = checkpointTopicOf(pipeline);
    const { partitions, isCompacted } = await topics.open(name, {
      create: true,
      partitions: 1,
      replicas,
      configs: CONFIGS,
    });
    if (partitions !== 1 || !isCompacted) {
      const fix = partitions === 1 ? configCommand(name, 'cleanup.policy=compact') : DAMAGED_FIX;
      throw new PgveilError('kafka_failed', `the topic ${name} must have one partition and be compacted`, { fix });
    }
    return new CheckpointTopic(cluster, name);
  }

  add(transaction: KafkaTransaction, { position, progress, entries }: Mark): void {
    for (const [table, entry] of entries) this.#put(transaction, `table/${table}`, entryToJson(entry));
    if (!position) return;
    const stored: StoredMark = {
      format: CHECKPOINT_FORMAT,
      position: storedPosition(position),
      progress: progress && { clsn: formatLsn(progress.clsn), seq: progress.seq },
    };
    this.#put(transaction, 'position', JSON.stringify(stored));
  }

  addCopiers(transaction: KafkaTransaction, copiers: number): void {
    this.#put(transaction, 'copiers', String(copiers));
  }

  addMade(transaction: KafkaTransaction, topic: string, id: string): void {
    this.#put(transaction, `topic/${topic}`, id);
  }

  async read(): Promise<Stored> {
    return await readCheckpoint(this.#cluster, this.#topic);
  }

  #put(transaction: KafkaTransaction, key: string, value: string): void {
    transaction.add(this.#topic, PARTITION, range(key), range(value), NO_HEADERS);
  }
}

export function checkpointTopicOf(pipeline: string): string {
  return `pgveil.checkpoint.${pipeline}`;
}

/** Of a topic that is there. Definitive only once whoever writes it is fenced. Rejects with `newer_checkpoint` or `checkpoint_damaged`. */
export async function readCheckpoint(cluster: Cluster, topic: string): Promise<Stored> {
  const last = new Map<string, CommittedRecord>();
  for await (const record of readCommitted(cluster, topic, PARTITION)) {
    if (record.key && record.value) last.set(record.key.toString(), record);
  }
  const read = <T>(record: CommittedRecord, of: (value: string) => T): T =>
    readStored(placeOf(topic, record), DAMAGED_FIX, () => of(record.value!.toString()));
  const below = <T>(prefix: string, of: (value: string) => T) =>
    new Map(
      [...last]
        .filter(([key]) => key.startsWith(prefix))
        .map(([key, record]) => [key.slice(prefix.length), read(record, of)] as const),
    );
  const [position, copiers] = [last.get('position'), last.get('copiers')];
  return {
    ...(position ? read(position, markOf) : { position: null, progress: null }), // first: it says whether a newer pgveil wrote them all
    tables: below('table/', entryFromJson),
    made: below('topic/', (id) => id),
    copiers: copiers ? read(copiers, countOf) : 0,
  };
}

/** Of a topic that is compacted neither a record nor a partition can be taken back; and readers would take rows of a copy that begins to count anew for older ones. */
const DAMAGED_FIX =
  'Stop pgveil, delete that topic and those of the tables, and start it again: everything is copied into Kafka anew.';

function placeOf(topic: string, { offset }: CommittedRecord): string {
  return `the record at offset ${offset} of topic ${topic}, partition ${PARTITION},`;
}

/** A position of an older format is of no use: without one everything is copied. */
function markOf(value: string): Pick<Stored, 'position' | 'progress'> {
  const stored = JSON.parse(value) as StoredMark;
  if (stored.format > CHECKPOINT_FORMAT) {
    throw new PgveilError('newer_checkpoint', `the checkpoint in Kafka has format ${stored.format}`);
  }
  assertForm(stored.format, isInteger);
  if (stored.format < CHECKPOINT_FORMAT) return { position: null, progress: null };
  assertForm(stored.progress, isNullOr(isProgress));
  const { position, progress } = stored;
  return {
    position: positionOf(position),
    progress: progress && { clsn: parseLsn(progress.clsn), seq: progress.seq },
  };
}

const isProgress = isObjectOf({ clsn: isText, seq: isInteger });

function countOf(value: string): number {
  const count = Number(value);
  assertForm(count, isInteger);
  return count;
}

function range(text: string): Bytes {
  const bytes = Buffer.from(text);
  return { bytes, start: 0, end: bytes.length };
}
