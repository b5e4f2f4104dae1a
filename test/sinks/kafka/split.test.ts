import assert from 'node:assert/strict';
import { afterEach, describe, test } from 'node:test';
import { KafkaSink } from '../../../sinks/kafka/sink.ts';
import { topicName } from '../../../sinks/kafka/topics/topic-name.ts';
import type { RedactedBatch } from '../../../src/core/batch.ts';
import type { RedactedTable } from '../../../src/core/table.ts';
import {
  batch,
  copyOf,
  insert,
  nextGeneration,
  positionAt,
  sketchTable,
  upTo,
  writeCopy,
} from '../../support/batches.ts';
import { flatRecords, fold, twice } from './fold.ts';
import { idsOf, markersWritten, optionsFor, sharedBroker } from './parts.ts';

const { server, cluster } = await sharedBroker();

const signal = new AbortController().signal;
/** Rows of 10 kB, of which each part below has so many: more than `split`. */
const ROWS = 20;
const SPLIT = 100_000;

describe('a source transaction larger than `split`', () => {
  const sinks: KafkaSink[] = [];
  afterEach(async () => {
    for (const sink of sinks.splice(0)) await sink.close();
  });

  function trial() {
    const options = optionsFor(server, { pipeline: server.name('split'), split: SPLIT });
    const table = sketchTable({ relation: 'large', columns: { id: 'bigint', note: 'text' }, key: ['id'] });
    const topic = topicName({ template: options.topic, pipeline: options.pipeline }, table);
    return {
      table,
      sink: () => {
        const sink = new KafkaSink(options);
        sinks.push(sink);
        return sink;
      },
      records: async () => {
        await markersWritten(cluster, idsOf(options.pipeline));
        return await flatRecords(cluster, topic);
      },
    };
  }

  /** A part of the transaction that commits at 0x1f8: rows numbered from `from`, each change by its row's number. */
  function part(table: RedactedTable, from: number): RedactedBatch {
    const changes = Array.from({ length: ROWS }, (_, i) => ({
      ...insert(table, [`${from + i}`, 'x'.repeat(10_000)]),
      seq: from + i,
    }));
    return batch({ changes, progress: { clsn: 0x1f8n, seq: from + ROWS - 1 } });
  }

  const end = batch({ position: positionAt(0x200n), progress: { clsn: 0x1f8n, seq: 3 * ROWS } });

  /** With a copy of no rows, and the first part of the transaction. */
  async function begun(sink: KafkaSink, table: RedactedTable): Promise<KafkaSink> {
    await sink.open(signal);
    await writeCopy(sink, copyOf(table, []));
    await sink.flush(positionAt(0x100n));
    await sink.write(part(table, 1));
    return sink;
  }

  async function writeWhole(sink: KafkaSink, table: RedactedTable): Promise<void> {
    for (const from of [1, 1 + ROWS, 1 + 2 * ROWS]) await sink.write(part(table, from));
    await sink.write(end);
    await sink.flush(end.position!);
  }

  test('is committed in parts, and goes on behind the last one after a crash', async () => {
    const { table, sink, records } = trial();
    const first = await begun(sink(), table);
    await first.write(part(table, 1 + ROWS));
    const there = (await records()).filter(({ op }) => op === 'c');
    assert.equal(there.length, 2 * ROWS);
    await first.close();

    const second = sink();
    assert.deepEqual((await second.open(signal)).position, positionAt(0x100n));
    await writeWhole(second, table);
    assert.deepEqual((await second.open(signal)).position, positionAt(0x200n));
    await second.close();
    const all = await records();
    assert.equal(fold(table, all).length, 3 * ROWS);
    assert.deepEqual(twice(all), []);
  });

  test('is not forgotten by a position that lies before it', async () => {
    const { table, sink, records } = trial();
    const first = await begun(sink(), table);
    await first.close();

    for (const pos of [0x180n, 0x190n]) {
      const next = sink();
      await next.open(signal);
      await next.write(upTo(pos));
      await next.flush(positionAt(pos));
      await next.close();
    }
    const last = sink();
    assert.deepEqual((await last.open(signal)).position, positionAt(0x190n));
    await writeWhole(last, table);
    await last.close();
    assert.deepEqual(twice(await records()), []);
  });

  test('is whole in a generation that was copied since', async () => {
    const { table, sink, records } = trial();
    const first = await begun(sink(), table);
    await first.close();

    const second = sink();
    await second.open(signal);
    const next = nextGeneration(table);
    await writeCopy(second, copyOf(next, []));
    await writeWhole(second, next);
    await second.close();
    assert.equal(fold(table, await records()).length, 3 * ROWS);
  });
});
