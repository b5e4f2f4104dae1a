// How fast changes become messages that are committed: through the redactor with three columns redacted, into JSON, by our producer;
// beside it the client's own transactional producer, which gets the very messages ready-made. Tuples and messages lie in memory before
// a clock starts: the source has benches of its own. Both sides do all of it once before what counts, as a process does that has
// streamed for a minute: otherwise the first run measures the engine's compiler.
import { setImmediate as nextTurn } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { Producer } from '@platformatic/kafka';
import type { Bytes } from '../sinks/kafka/client/record-batch.ts';
import type { KafkaTransaction } from '../sinks/kafka/client/transaction.ts';
import { Debezium } from '../sinks/kafka/format/debezium.ts';
import { Messages } from '../sinks/kafka/messages.ts';
import { KafkaSink } from '../sinks/kafka/sink.ts';
import type { RawBatch } from '../src/core/batch.ts';
import type { RedactedTable } from '../src/core/table.ts';
import type { Tuple } from '../src/core/tuple.ts';
import { optionsFor } from '../test/sinks/kafka/parts.ts';
import { type KafkaServer, startOwnKafka } from '../test/support/kafka/kafka.ts';
import {
  batchOf,
  changeOf,
  configOf,
  copied,
  faked,
  keep,
  masked,
  POSITION,
  tableOf,
  tupleOf,
} from '../test/transforms/fixture.ts';
import { RowRedactor } from '../transforms/redactor.ts';
import type { Bench } from './bench.ts';
import { type Comparison, type Figures, inTurns, perSecond, rounded } from './figures.ts';

const CHANGES = 300_000;
/**
 * Of these so many lie ready, and are sent over and over, by either side. All of them at once would be a million objects that live as
 * long as the bench: to mark them took the garbage collector a tenth of our time, and no pipeline holds that many.
 */
const READY = 30_000;
/** In a source transaction, and a batch. */
const TOGETHER = 1_000;
/** In a Kafka transaction, on either side. */
const COMMITTED = 10_000;
const PARTITIONS = 4;

setFlagsFromString('--expose-gc');
const collectGarbage: () => void = runInNewContext('gc');

/** As the table of workload.ts. */
const TABLE = tableOf({
  relation: 'customers',
  columns: {
    ...{ id: 'bigint', email: 'text', full_name: 'text', phone: 'text', balance: 'numeric(12,2)' },
    ...{ created_at: 'timestamp with time zone', updated_at: 'timestamp with time zone', active: 'boolean' },
    ...{ address: 'text', notes: 'text' },
  },
});
const RULES = { email: faked('email'), full_name: faked('name'), phone: masked(0, 2) };
const DECISIONS = Object.fromEntries(
  TABLE.columns.map(({ name }) => [name, RULES[name as keyof typeof RULES] ?? keep]),
);

export const kafka: Bench<KafkaServer> = {
  unit: 'messages/s',
  reference:
    "@platformatic/kafka's own transactional producer (retryDelay 5, zstd, acks all), sending ready-made messages",

  runs: 9, // single ones differ by a fifth, and both sides are alike
  place: { inWords: 'one Kafka broker', start: () => startOwnKafka() },

  async prepare(server, scale) {
    await measure(server, scale, 0);
  },

  measure,

  headline: ({ messages }) => messages!,
};

async function measure(server: KafkaServer, scale: number, run: number): Promise<Comparison> {
  const batches = Array.from({ length: READY / TOGETHER }, (_, number) => batchFrom(number * TOGETHER));
  const times = Math.ceil((CHANGES * scale) / READY);
  return await inTurns(run, async (side) => {
    const pipeline = `bench_${side}_${run}`;
    const measured = side === 'ours' ? ours : reference;
    return await measured(server, pipeline, batches, times);
  });
}

async function ours(
  server: KafkaServer,
  pipeline: string,
  batches: readonly RawBatch[],
  times: number,
): Promise<Figures> {
  const transactions = inTransactions(batches, COMMITTED / TOGETHER, times);
  const sink = new KafkaSink(optionsOf(server, pipeline));
  await sink.open(new AbortController().signal);
  const redactor = openRedactor();
  for (const event of copied(TABLE)) await sink.write(redactor.redact(batchOf({ events: [event] })));
  await sink.flush(POSITION);
  const clock = startClock();
  let flushing = Promise.resolve();
  for (const transaction of transactions) {
    for (const batch of transaction) {
      await nextTurn(); // as a lane does before each batch: meanwhile brokers answer
      await sink.write(redactor.redact(batch));
    }
    await flushing; // the next one gathers while one is committed, as in a lane
    flushing = sink.flush(POSITION);
  }
  await flushing;
  const figures = clock(READY * times);
  await sink.close();
  return figures;
}

async function reference(
  server: KafkaServer,
  pipeline: string,
  batches: readonly RawBatch[],
  times: number,
): Promise<Figures> {
  const transactions = inTransactions(readyMade(pipeline, batches), COMMITTED, times);
  await makeTopic(server, pipeline);
  const producer = new Producer({
    clientId: pipeline,
    bootstrapBrokers: [...server.brokers],
    transactionalId: pipeline,
    idempotent: true,
    producerId: -1n,
    producerEpoch: -1,
    acks: -1,
    compression: 'zstd',
    timeout: 60_000,
    retries: 50,
    retryDelay: 5,
  });
  const clock = startClock();
  for (const messages of transactions) {
    const transaction = await producer.beginTransaction();
    await transaction.send({ messages });
    await transaction.commit();
  }
  const figures = clock(READY * times);
  await producer.close();
  return figures;
}

/** What lies ready, `size` of it at a time, and all of that so many times. */
function inTransactions<T>(ready: readonly T[], size: number, times: number): T[][] {
  const once = Array.from({ length: ready.length / size }, (_, index) => ready.slice(index * size, (index + 1) * size));
  return Array.from({ length: times }, () => once).flat();
}

/**
 * Beside the process's time that of the thread that everything waits for: ours compresses on others. What was made before the clock is
 * not to be collected while it runs: of the reference that is all the making of its messages.
 */
function startClock(): (messages: number) => Figures {
  collectGarbage();
  const [began, all, thread] = [performance.now(), process.cpuUsage(), process.threadCpuUsage()];
  return (messages) => {
    const took = performance.now() - began;
    const perMessage = ({ user, system }: NodeJS.CpuUsage) => rounded((user + system) / messages, 2);
    const [cpu, ofThread] = [perMessage(process.cpuUsage(all)), perMessage(process.threadCpuUsage(thread))];
    return { messages: perSecond(messages, took), cpu_us_per_message: cpu, of_that_on_the_loop: ofThread };
  };
}

function optionsOf(server: KafkaServer, pipeline: string) {
  const topics = { create: true, partitions: PARTITIONS, replicas: 1, configs: {} };
  return optionsFor(server, { pipeline, topics, format: 'debezium' });
}

/** As ours makes them. */
function readyMade(pipeline: string, batches: readonly RawBatch[]) {
  const topic = { name: topicOf(pipeline), partitions: PARTITIONS, maxMessageBytes: 1_000_000, isCompacted: false };
  const made: { topic: string; partition: number; key: Buffer; value: Buffer; headers: Map<Buffer, Buffer> }[] = [];
  const add = (name: string, partition: number, key: Bytes, value: Bytes | null) =>
    made.push({ topic: name, partition, key: copyOf(key), value: copyOf(value!), headers: HEADERS });
  const redactor = openRedactor();
  let messages: Messages | null = null;
  for (const batch of batches) {
    for (const change of redactor.redact(batch).changes) {
      messages ??= new Messages(change.table, topic, formatOf(change.table, pipeline));
      messages.add({ add } as unknown as KafkaTransaction, change);
    }
  }
  return made;
}

function formatOf(table: RedactedTable, pipeline: string) {
  return new Debezium(table, { pipeline, int8: 'number', schema: 'none' });
}

/** Of the size of ours. */
const HEADERS = new Map(
  Object.entries({
    op: 'c',
    table: TABLE.name,
    plan: 'x'.repeat(64),
    generation: '1',
    commit_lsn: '0/16B3748',
    seq: '500',
  }).map(([name, value]) => [Buffer.from(`pgveil.${name}`), Buffer.from(value)]),
);

function copyOf({ bytes, start, end }: Bytes): Buffer {
  return Buffer.from(bytes.subarray(start, end));
}

/** Ours makes its own when a copy of the table starts. */
async function makeTopic(server: KafkaServer, pipeline: string): Promise<void> {
  const sink = new KafkaSink(optionsOf(server, pipeline));
  await sink.open(new AbortController().signal);
  const redactor = openRedactor();
  for (const event of copied(TABLE)) await sink.write(redactor.redact(batchOf({ events: [event] })));
  await sink.close();
}

function topicOf(pipeline: string): string {
  return `${pipeline}.public.customers`;
}

function openRedactor(): RowRedactor {
  const redactor = new RowRedactor(configOf({ [TABLE.name]: DECISIONS }), () => {});
  redactor.open(new Map());
  redactor.redact(batchOf({ events: copied(TABLE) }));
  return redactor;
}

/** One transaction of rows from this number on. */
function batchFrom(first: number): RawBatch {
  const transaction = { clsn: BigInt(first + 1000), xid: 700 + first, commitTime: 812_345_678_901_234n };
  const rows = inOneChunk(Array.from({ length: TOGETHER }, (_, i) => rowOf(first + i)));
  const changes = rows.map((after, i) => ({ ...changeOf('insert', TABLE, { after }), transaction, seq: i + 1 }));
  return batchOf({ changes, position: { ...POSITION, pos: transaction.clsn + 8n } });
}

/** As a socket delivers them. A buffer for each row would keep the garbage collector busy, on both sides. */
function inOneChunk(rows: readonly Tuple<'raw'>[]): Tuple<'raw'>[] {
  const bytes = Buffer.concat(rows.map((row) => row.bytes.subarray(row.start, row.end)));
  let behind = 0;
  return rows.map(({ start, end }) => {
    behind += end - start;
    return { bytes, start: behind - (end - start), end: behind };
  });
}

function rowOf(i: number) {
  const time = '2026-11-21 12:34:56.789012+00';
  return tupleOf(
    ...[String(i), `customer.${i}@mail.example`, `Given${i % 5003} Family${i % 7919}`, `+49 151 ${10_000_000 + i}`],
    ...[
      `${i % 1000}.00`,
      time,
      time,
      i % 10 === 0 ? 'f' : 't',
      `${i % 401} Long Street, ${10_000 + (i % 89_989)} Springfield`,
    ],
    'Prefers to be called in the afternoon, has asked twice for the catalogue, and pays by card.',
  );
}
