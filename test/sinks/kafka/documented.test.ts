import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ProduceAcks, Producer } from '@platformatic/kafka';
import { readCommitted } from '../../../sinks/kafka/client/committed.ts';
import { KafkaSink } from '../../../sinks/kafka/sink.ts';
import type { RedactedBatch } from '../../../src/core/batch.ts';
import {
  batch,
  copyOf,
  copyStarted,
  insert,
  nextGeneration,
  positionAt,
  reads,
  remove,
  sketchTable,
  truncate,
  UNCHANGED,
  update,
  upTo,
  writeCopy,
} from '../../support/batches.ts';
import { runDocumentedConsumer } from '../../support/kafka/reader.ts';
import { TypeScriptConsumer } from '../../support/kafka/typescript-consumer.ts';
import { hasPython } from '../../support/lake/readers.ts';
import { until } from '../../support/wait.ts';
import { idsOf, markersWritten, optionsFor, sharedBroker } from './parts.ts';

const { server, cluster } = await sharedBroker();

const signal = new AbortController().signal;
const table = sketchTable({ relation: 'thing', columns: { id: 'bigint', note: 'text' }, key: ['id'] });
const next = nextGeneration(table);
const PARTITIONS = 3;

/** What is written, and the rows that a consumer has afterwards. */
interface Step {
  readonly write: (sink: KafkaSink) => Promise<void>;
  readonly rows: readonly string[];
}

let position = 0x100n;
async function flush(sink: KafkaSink, ...changes: RedactedBatch['changes']): Promise<void> {
  position += 0x100n;
  await sink.write(upTo(position, changes));
  await sink.flush(positionAt(position));
}

const STEPS: readonly Step[] = [
  {
    write: async (sink) => {
      await writeCopy(sink, [
        copyStarted(table),
        reads(table, 1, [['9', 'void']]),
        batch({ events: [{ type: 'chunk abandoned', table, chunk: 1 }] }),
        ...copyOf(table, [
          ['1', 'one'],
          ['2', 'two'],
          ['3', 'three'],
          ['4', 'four'],
        ]).slice(1),
      ]);
      await flush(sink);
    },
    rows: ['1 one', '2 two', '3 three', '4 four'],
  },
  {
    write: (sink) =>
      flush(
        sink,
        update(table, ['1', UNCHANGED]),
        update(table, ['2', 'TWO']),
        update(table, ['5', 'three'], ['3', null]),
        remove(table, ['4', null]),
      ),
    rows: ['1 one', '2 TWO', '5 three'],
  },
  {
    write: async (sink) => {
      const rows = [
        ['5', 'FIVE'],
        ['6', 'six'],
      ];
      await writeCopy(sink, copyOf(next, rows));
      await flush(sink);
    },
    rows: ['5 FIVE', '6 six'],
  },
  {
    write: (sink) => flush(sink, truncate(next), insert(next, ['7', 'seven'])),
    rows: ['7 seven'],
  },
];

/** So many that each partition has some: whoever has them has read what is before. */
const LAST = Array.from({ length: 20 }, (_, i) => String(70 + i));

describe('a consumer of the documents has the latest state of copies, changes, a truncate, and of what it meets again', () => {
  /** Runs all steps; `sees` resolves once the consumer has these rows. */
  async function follow(sees: (topic: string, rows: readonly string[]) => Promise<void>): Promise<void> {
    const of = optionsFor(server, { pipeline: server.name('documented') });
    const topic = `${of.pipeline}.public.thing`;
    const sink = new KafkaSink(of);
    try {
      await sink.open(signal);
      for (const { write, rows } of STEPS) {
        await write(sink);
        await markersWritten(cluster, idsOf(of.pipeline));
        await sees(topic, rows);
      }
      await sendFirstAgain(topic);
      await flush(sink, ...LAST.map((id) => insert(next, [id, 'last'])));
      await markersWritten(cluster, idsOf(of.pipeline));
      await sees(topic, [...STEPS.at(-1)!.rows, ...LAST.map((id) => `${id} last`)]);
    } finally {
      await sink.close();
    }
  }

  /** What was in the topic first, as a consumer meets it that goes back. */
  async function sendFirstAgain(topic: string): Promise<void> {
    const producer = new Producer({ clientId: 'test', bootstrapBrokers: [...server.brokers] });
    try {
      await cluster.refresh(topic);
      for (let partition = 0; partition < PARTITIONS; partition++) {
        const messages = [];
        for await (const { key, value, headers } of readCommitted(cluster, topic, partition)) {
          const header = new Map(headers as [Buffer, Buffer][]);
          messages.push({ topic, partition, key: key!, value: value!, headers: header });
        }
        await producer.send({ messages: messages.slice(0, 5), acks: ProduceAcks.ALL });
      }
    } finally {
      await producer.close();
    }
  }

  test('in Python', async (context) => {
    if (!(await hasPython())) return context.skip('there is no Python to run confluent-kafka with');
    await follow(async (topic, rows) => {
      assert.deepEqual(shown(await runDocumentedConsumer(server.brokers, topic, PARTITIONS)), rows);
    });
  });

  test('in TypeScript', async () => {
    let consumer: TypeScriptConsumer | null = null;
    try {
      await follow(async (topic, rows) => {
        consumer ??= await TypeScriptConsumer.start(server.brokers, topic);
        const has = () => String(shown(consumer!.rows())) === String(rows);
        await until(has, { what: () => `${rows}; there is ${shown(consumer!.rows())}`, timeout: 60_000 });
      });
    } finally {
      await (consumer as TypeScriptConsumer | null)?.[Symbol.asyncDispose]();
    }
  });
});

function shown(rows: readonly unknown[]): string[] {
  const things = rows as readonly { readonly source_primary_key: string; readonly note: string }[];
  return things.map((row) => `${row.source_primary_key} ${row.note}`).sort();
}
