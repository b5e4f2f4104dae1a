import assert from 'node:assert/strict';
import { afterEach, describe, test } from 'node:test';
import type { Cluster } from '../../../../sinks/kafka/client/cluster.ts';
import { endOf, readCommitted } from '../../../../sinks/kafka/client/committed.ts';
import { TransactionalProducer } from '../../../../sinks/kafka/client/producer.ts';
import { KeyStates } from '../../../../sinks/kafka/compacted/key-states.ts';
import { keysLeft } from '../../../../sinks/kafka/compacted/keys-left.ts';
import { NO_HEADERS } from '../../../../sinks/kafka/format/headers.ts';
import { KafkaSink } from '../../../../sinks/kafka/sink.ts';
import {
  batch,
  copyOf,
  insert,
  nextGeneration,
  positionAt,
  remove,
  sketchTable,
  truncate,
  update,
  upTo,
  writeCopy,
} from '../../../support/batches.ts';
import { flatRecords, twice } from '../fold.ts';
import { idsOf, markersWritten, optionsFor, range, sharedBroker } from '../parts.ts';

const { server, cluster } = await sharedBroker();

const signal = new AbortController().signal;
const table = sketchTable({
  relation: 'thing',
  columns: { id: 'bigint', note: 'text' },
  key: ['id'],
  identity: 'full',
});
const COMPACTED = { create: true, partitions: 2, replicas: 1, configs: { 'cleanup.policy': 'compact' } };

describe('a compacted topic', () => {
  const sinks: KafkaSink[] = [];
  afterEach(async () => {
    for (const sink of sinks.splice(0)) await sink.close();
  });

  async function trial({ split = 100 * 1024 * 1024 } = {}) {
    const options = optionsFor(server, { pipeline: server.name('compacted'), topics: COMPACTED, split });
    const topic = `${options.pipeline}.public.thing`;
    const open = async () => {
      const sink = new KafkaSink(options);
      sinks.push(sink);
      await sink.open(signal);
      return sink;
    };
    const settled = () => markersWritten(cluster, idsOf(options.pipeline));
    return {
      topic,
      open,
      sink: await open(),
      records: async () => {
        await settled();
        return await flatRecords(cluster, topic);
      },
      latest: async () => {
        await settled();
        return await latestOf(cluster, topic);
      },
    };
  }

  test('forgets the rows that a new copy does not bring, and those alone', async () => {
    const { sink, records, latest } = await trial();
    await writeCopy(sink, copyOf(table, rowsOf(1, 2, 3)));
    await sink.flush(positionAt(0x100n));
    await sink.write(upTo(0x200n, [remove(table, ['3', 'a']), insert(table, ['4', 'b'])]));
    await sink.flush(positionAt(0x200n));
    await writeCopy(sink, copyOf(nextGeneration(table), rowsOf(1, 5)));
    await sink.flush(positionAt(0x300n));
    assert.deepEqual(await latest(), ['1', '5']);
    const forgotten = (await records()).filter(
      ({ op, value, generation }) => op === 'd' && value === null && generation === 2,
    );
    assert.deepEqual(forgotten.map(({ key }) => key).sort(), ['2', '4']);
  });

  test('has what was written before a copy in front of it, also where nobody asked for that to be durable', async () => {
    const { sink, latest } = await trial();
    await writeCopy(sink, copyOf(table, rowsOf(1, 2)));
    await sink.flush(positionAt(0x100n));
    await sink.write(upTo(0x200n, [insert(table, ['3', 'b']), update(table, ['1', 'changed'], ['1', 'a'])]));
    await writeCopy(sink, copyOf(nextGeneration(table), rowsOf(1, 2)));
    await sink.write(upTo(0x300n, [insert(nextGeneration(table), ['4', 'b'])]));
    await sink.flush(positionAt(0x300n));
    assert.deepEqual(await latest(), ['1', '2', '4']);
  });

  test('forgets all rows at a truncate, those of the same transaction as well', async () => {
    const { sink, records, latest } = await trial();
    await writeCopy(sink, copyOf(table, rowsOf(1, 2)));
    await sink.flush(positionAt(0x100n));
    await sink.write(upTo(0x200n, [insert(table, ['3', 'b'])]));
    await sink.write(upTo(0x300n, [insert(table, ['4', 'b']), truncate(table), insert(table, ['2', 'again'])]));
    await sink.flush(positionAt(0x300n));
    assert.deepEqual(await latest(), ['2']);
    assert.deepEqual(twice(await records()), []);
  });

  test('goes on behind a crash in the middle of a truncate with the rows that are left, and repeats no change', async () => {
    const { open, sink, records, latest } = await trial({ split: 10_000 });
    await writeCopy(sink, copyOf(table, rowsOf(...Array.from({ length: 1000 }, (_, i) => i))));
    await sink.flush(positionAt(0x100n));
    const first = upTo(0x200n, [insert(table, ['2000', 'b'])]);
    const second = upTo(0x300n, [insert(table, ['2001', 'b']), truncate(table), insert(table, ['2', 'again'])]);
    // Tombstones of more than `split` are committed one part after the other; the last of them is not.
    const both = batch({ ...second, changes: [...first.changes, ...second.changes] });
    await sink.write(both);
    await sink.close();
    const left = (await latest()).length;
    assert.ok(left > 0 && left < 1000, `${left} rows are left`);
    const next = await open();
    await next.write(both);
    await next.flush(positionAt(0x300n));
    assert.deepEqual(await latest(), ['2']);
    assert.deepEqual(twice(await records()), []);
  });

  test('keeps its rows when a copy is stopped before it was read', async () => {
    const { sink, latest } = await trial();
    await writeCopy(sink, copyOf(table, rowsOf(1, 2)));
    await sink.flush(positionAt(0x100n));
    const next = nextGeneration(table);
    await writeCopy(sink, copyOf(next, rowsOf(1)).slice(0, 3));
    await sink.write(batch({ events: [{ type: 'stopped', name: next.name, oid: 1, state: { state: 'absent' } }] }));
    assert.equal(await sink.settled(next.name), false);
    assert.deepEqual(await latest(), ['1', '2']);
  });

  test('is read again for each share of the keys where there are more than memory has room for', async () => {
    const { sink, topic } = await trial();
    const ids = Array.from({ length: 5000 }, (_, i) => i);
    await writeCopy(sink, copyOf(table, rowsOf(...ids)));
    await sink.flush(positionAt(0x100n));
    await cluster.refresh(topic);
    const found: string[] = [];
    let rooms = 0;
    const small = () => {
      rooms++;
      return new KeyStates(1024);
    };
    for (const partition of [0, 1]) {
      const stretch = { topic, partition, until: await endOf(cluster, topic, partition) };
      for await (const key of keysLeft(cluster, stretch, signal, small)) found.push(String(key));
    }
    assert.ok(rooms >= 8, `${rooms} searches`);
    assert.deepEqual(found.sort(), ids.map(String).sort());
  });

  test('keeps what others put into it', async () => {
    const { sink, latest, topic } = await trial();
    await writeCopy(sink, copyOf(table, rowsOf(1)));
    await sink.flush(positionAt(0x100n));
    const producer = await TransactionalProducer.open(cluster, { transactionalId: topic, compression: 'none' });
    const transaction = producer.begin();
    transaction.add(topic, 0, range('theirs'), range('a value'), NO_HEADERS);
    await transaction.commit();
    await markersWritten(cluster, [topic]);
    await writeCopy(sink, copyOf(nextGeneration(table), rowsOf(2)));
    await sink.flush(positionAt(0x200n));
    assert.deepEqual(await latest(), ['2', 'theirs']);
  });
});

function rowsOf(...ids: readonly number[]): [string, string][] {
  return ids.map((id) => [`${id}`, 'a']);
}

/** The keys that are left of a topic of which only each key's last record counts. */
async function latestOf(cluster: Cluster, topic: string): Promise<string[]> {
  const latest = new Set<string>();
  for (let partition = 0; partition < COMPACTED.partitions; partition++) {
    await cluster.refresh(topic);
    for await (const { key, value } of readCommitted(cluster, topic, partition)) {
      if (key![0] === 0xff) continue;
      if (value) latest.add(String(key));
      else latest.delete(String(key));
    }
  }
  return [...latest].sort();
}
